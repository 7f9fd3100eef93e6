"""How edits of mammograms come out: inserted lesions beside real ones, filled regions beside healthy tissue."""
