"""The kept list against the basic profile of DICOM PS3.15, and what a validator says of new files."""

from __future__ import annotations

import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.datadict import tag_for_keyword

from monai_mammo.dicom import Deidentified, deidentify, deidentify_file, read_mammogram
from monai_mammo.dicom.deidentification.dataset import DeidentificationPolicy
from monai_mammo.dicom.deidentification.kept import (
    EMPTIED,
    HASHED_UIDS,
    KEPT,
    LIST_NAME,
    PERSON,
    PERSON_IN_BANDS,
    kept_list_as_markdown,
)
from monai_mammo.dicom.pydicom_messages import suppress_pydicom_messages
from monai_mammo.dicom.writing.mammogram_object import mammogram_dataset
from monai_mammo.dicom.writing.store import dataset_bytes
from monai_mammo.study import Mammogram

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data" / "dicom"
SECRET = b"a secret of the hospital"

# Facts of PS3.15 2026c, table E.1-1, column of the basic profile, as the package dicom-anonymizer 2.1.0 lists them:
# the rows whose attributes the modules of digital mammography, digital X-ray, computed radiography and secondary
# capture name (PS3.3). X remove, Z empty, D dummy value, U replace the UID; with a slash the class decides.
BASIC_PROFILE = {
    "X": """
        AcquisitionContextDescription AdditionalPatientHistory AdmissionID AdmittingDiagnosesCodeSequence
        AdmittingDiagnosesDescription Allergies CassetteID CertifiedTimestamp
        ClinicalTrialProtocolEthicsCommitteeApprovalNumber ClinicalTrialSeriesDescription ClinicalTrialSeriesID
        ClinicalTrialTimePointDescription CommentsOnRadiationDose CommentsOnThePerformedProcedureStep
        ConsultingPhysicianIdentificationSequence ContainerComponentID ContainerDescription ContrastBolusStartTime
        ContrastBolusStopTime ContributionDateTime ContributionDescription DataSetTrailingPadding
        DateOfLastCalibration DateOfSecondaryCapture DerivationDescription DeviceDescription DigitalSignaturesSequence
        EthnicGroup GantryID GeneratorID IconImageSequence ImageComments InstanceCoercionDateTime InstanceOriginStatus
        InstitutionAddress InstitutionalDepartmentName InstitutionalDepartmentTypeCodeSequence
        InterventionDrugStartTime InterventionDrugStopTime IssuerOfAdmissionIDSequence IssuerOfPatientID
        IssuerOfServiceEpisodeIDSequence LastMenstrualDate MedicalAlerts ModifiedAttributesSequence
        NameOfPhysiciansReadingStudy NonconformingDataElementValue NonconformingModifiedAttributesSequence Occupation
        OriginalAttributesSequence OtherPatientIDsSequence OtherPatientNames PatientAge PatientBirthTime
        PatientComments PatientSize PatientState PatientWeight PerformedProcedureStepDescription
        PerformedProcedureStepEndDate PerformedProcedureStepEndTime PerformedProcedureStepID
        PerformedProcedureStepStartDate PerformedProcedureStepStartTime PerformingPhysicianIdentificationSequence
        PerformingPhysicianName PersonAddress PersonTelecomInformation PersonTelephoneNumbers PhysiciansOfRecord
        PhysiciansOfRecordIdentificationSequence PhysiciansReadingStudyIdentificationSequence PlateID PregnancyStatus
        ReasonForRequestedProcedureCodeSequence ReasonForTheRequestedProcedure ReasonForVisit
        ReasonForVisitCodeSequence ReferencedPatientPhotoSequence ReferencedPatientSequence
        ReferringPhysicianIdentificationSequence RequestAttributesSequence RequestedProcedureID RequestingService
        ResponsibleOrganization ResponsiblePerson RetrieveAETitle SOPAuthorizationDateTime
        ScheduledProcedureStepDescription ScheduledProcedureStepID SecondaryCaptureDeviceID SeriesDescription
        ServiceEpisodeDescription ServiceEpisodeID SmokingStatus SpecimenDetailedDescription SpecimenShortDescription
        StudyDescription TimeOfLastCalibration TimeOfSecondaryCapture TimezoneOffsetFromUTC UDISequence
        UniqueDeviceIdentifier
    """,
    "Z": """
        AccessionNumber ClinicalTrialCoordinatingCenterName ClinicalTrialProtocolName ClinicalTrialSiteID
        ClinicalTrialSiteName ClinicalTrialTimePointID ConsultingPhysicianName IssuerOfTheContainerIdentifierSequence
        IssuerOfTheSpecimenIdentifierSequence PatientBirthDate PatientName PatientSex ReferringPhysicianName
        SourceOfPreviousValues SpecimenPreparationSequence StudyDate StudyID StudyTime
    """,
    "D": """
        AttributeModificationDateTime CertificateOfSigner ClinicalTrialProtocolEthicsCommitteeName
        ClinicalTrialProtocolID ClinicalTrialSponsorName ClinicalTrialSubjectID ClinicalTrialSubjectReadingID
        ContainerIdentifier ContextGroupLocalVersion ContextGroupVersion Date DateTime DigitalSignatureDateTime
        ModifyingSystem PersonIdentificationCodeSequence PersonName ReasonForTheAttributeModification
        SpecimenIdentifier Time
    """,
    "U": """
        DeviceUID DigitalSignatureUID FrameOfReferenceUID InstanceCreatorUID IrradiationEventUID
        ManufacturerDeviceClassUID ReferencedSOPInstanceUID SOPInstanceUID SeriesInstanceUID SpecimenUID
        StorageMediaFileSetUID StudyInstanceUID TargetUID UID
    """,
    "X/Z": """
        AcquisitionContextSequence AcquisitionDate AcquisitionTime BarcodeValue PatientSexNeutered
        ReferencedStudySequence RequestedProcedureDescription
    """,
    "X/D": """
        AcquisitionDeviceProcessingDescription DateOfLastDetectorCalibration DetectorID InstanceCreationDate
        ObservationDateTime OperatorIdentificationSequence ProtocolName SeriesDate SeriesTime
        TimeOfLastDetectorCalibration
    """,
    "Z/D": """
        ContentDate ContentTime ContrastBolusAgent PatientID
    """,
    "X/Z/D": """
        AcquisitionDateTime DeviceSerialNumber InstanceCreationTime InstitutionCodeSequence InstitutionName
        OperatorsName ReferencedPerformedProcedureStepSequence StationName
    """,
    "X/Z/U*": """
        ReferencedImageSequence SourceImageSequence
    """,
}
WHERE_IT_IS_EMPTY = {"Z", "X/Z", "Z/D", "X/Z/D"}


def rows(action):
    return set(BASIC_PROFILE[action].split())


def test_table_has_the_rows_of_mammography():
    every = [keyword for action in BASIC_PROFILE for keyword in rows(action)]
    assert len(every) == len(set(every)) == 185
    assert all(tag_for_keyword(keyword) for keyword in every)


def test_nothing_is_kept_that_the_profile_takes_away():
    assert not {keyword for action in BASIC_PROFILE for keyword in rows(action)} & set(KEPT)


def test_what_is_emptied_hashed_or_replaced_is_what_the_profile_allows_to_be():
    assert set(EMPTIED) - {"PositionReferenceIndicator"} <= set.union(*(rows(action) for action in WHERE_IT_IS_EMPTY))
    assert set(HASHED_UIDS) <= rows("U")
    assert set(PERSON) <= rows("Z") | rows("Z/D")


def test_what_departs_from_the_profile_is_sex_and_age_on_request_alone():
    assert set(PERSON_IN_BANDS) == {"PatientSex", "PatientAge"}
    assert {"PatientSex"} <= rows("Z")
    assert {"PatientAge"} <= rows("X")


def test_page_equals_the_list():
    page = (ROOT / "docs" / "deidentification.md").read_text(encoding="utf-8")
    assert kept_list_as_markdown() in page
    assert f"`{LIST_NAME}`" in page
    for keyword in (*EMPTIED, *HASHED_UIDS, *PERSON, *PERSON_IN_BANDS):
        assert f"`{keyword}`" in page


def errors_of(data, path):
    """Error lines of dciodvfy without their values; none where it is not installed."""
    if shutil.which("dciodvfy") is None:
        return set()
    path.write_bytes(data)
    done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    return {line for line in lines if line.startswith("Error") and "(0008,001c)" not in line}


def acquired(dataset, **attributes):
    """What a device adds to a mammogram, the synthetic marks taken away."""
    for keyword in ("SyntheticData", "ContributingEquipmentSequence", "PatientIdentityRemoved"):
        del dataset[keyword]
    del dataset.DeidentificationMethod
    fields = {
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "PatientName": "SECRETNAME^EVA",
        "PatientID": "SECRETNAME",
        "PatientBirthDate": "19560312",
        "PatientSex": "F",
        "StudyDate": "20240229",
        "StudyTime": "101112",
        "Manufacturer": "SECRETNAME",
        "DetectorType": "DIRECT",
        "KVP": "29",
        "AnodeTargetMaterial": "TUNGSTEN",
        "FilterMaterial": "SILVER",
        "FieldOfViewShape": "RECTANGLE",
        "FieldOfViewOrigin": ["0", "0"],
        "FieldOfViewRotation": "0",
        "FieldOfViewHorizontalFlip": "NO",
        "DetectorID": "SECRETNAME",
        "DateOfLastDetectorCalibration": "20240101",
        "FrameOfReferenceUID": "1.2.3",
        "PositionReferenceIndicator": "SECRETNAME",
        "PixelSpacing": ["0.07", "0.07"],
        "PixelSpacingCalibrationType": "GEOMETRY",
        "PixelSpacingCalibrationDescription": "SECRETNAME",
        "PartialView": "YES",
        "PartialViewDescription": "SECRETNAME",
        **attributes,
    }
    for keyword, value in fields.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize("bands", [False, True])
@pytest.mark.parametrize("view", ["CC", "MLO"])
def test_a_validator_finds_nothing_new(view, bands, tmp_path, make_mammogram, identity, provenance):
    synthetic = mammogram_dataset(make_mammogram(view=view), identity=identity, provenance=provenance)
    dataset = acquired(synthetic, PatientAge="067Y")
    dataset.ViewPosition = view
    new = deidentify(dataset, secret=SECRET, policy=DeidentificationPolicy(keep_sex_and_age_band=bands))
    before = errors_of(dataset_bytes(dataset), tmp_path / "before.dcm")
    after = errors_of(dataset_bytes(new), tmp_path / "after.dcm")
    assert after <= before
    assert b"SECRETNAME" not in dataset_bytes(new)
    assert list(new.PixelSpacing) == [0.07, 0.07]


def _files():
    return sorted(SHARED.glob("*.dcm")) if SHARED.is_dir() else []


@pytest.mark.shared
@pytest.mark.parametrize("path", _files(), ids=lambda path: path.stem)
def test_real_files_keep_picture_side_view_and_validity(path, tmp_path):
    record = deidentify_file(path, tmp_path / "new.dcm", secret=SECRET)
    assert isinstance(record, Deidentified)
    before, after = read_mammogram(path), read_mammogram(tmp_path / "new.dcm")
    assert type(before) is type(after)
    if isinstance(before, Mammogram):
        assert (before.pixels == after.pixels).all()
        assert before.spacing == after.spacing
        for field in ("laterality", "view", "kind"):
            assert getattr(before.conditions, field) == getattr(after.conditions, field)
    data = (tmp_path / "new.dcm").read_bytes()
    assert errors_of(data, tmp_path / "new.dcm") <= errors_of(path.read_bytes(), tmp_path / "old.dcm")
    source = dcmread(path, stop_before_pixels=True)
    with suppress_pydicom_messages():
        for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "SOPInstanceUID", "StudyDate"):
            value = str(source.get(keyword) or "")
            assert len(value) < 6 or value.encode() not in data
    assert dcmread(BytesIO(data)).PatientIdentityRemoved == "YES"
