"""Networks in plain torch: autoencoder, diffusion U-Nets of both stages, VAE baseline, lesion network and judge."""

from monai_mammo.networks.autoencoder import Autoencoder
from monai_mammo.networks.class_heads import PRESENCE
from monai_mammo.networks.context import ConditionTokens, TextTokens, encode_conditions
from monai_mammo.networks.crop_translator import CropTranslator
from monai_mammo.networks.detail_unet import DetailUNet, enlarged_layout, layout_of, layout_planes
from monai_mammo.networks.diffusion_unet import DiffusionUNet
from monai_mammo.networks.discriminator import PatchDiscriminator
from monai_mammo.networks.efficientnet import EfficientNetLite, folded_weights, load_pretrained
from monai_mammo.networks.feature_discriminator import FeatureDiscriminator
from monai_mammo.networks.latent_vae import LatentVAE
from monai_mammo.networks.layout_unet import LayoutUNet, MaskedViT
from monai_mammo.networks.lesion_network import LesionNetwork
from monai_mammo.networks.painter_unet import PainterUNet
from monai_mammo.networks.picture_finish import PictureFinish
from monai_mammo.networks.pyramid_judge import PyramidJudge
from monai_mammo.networks.text_encoders import TEXT_ENCODERS, TextEncoder, load_text_encoder, text_encoder
from monai_mammo.networks.texture_code import TextureCode
from monai_mammo.networks.texture_prior import TexturePrior
from monai_mammo.networks.translator_unet import TranslatorUNet
from monai_mammo.networks.weights import (
    build,
    load_encoder,
    load_network,
    load_painter,
    load_part,
    load_view_translator,
    load_weights,
)

__all__ = [
    "PRESENCE",
    "Autoencoder",
    "ConditionTokens",
    "CropTranslator",
    "DetailUNet",
    "DiffusionUNet",
    "EfficientNetLite",
    "FeatureDiscriminator",
    "LatentVAE",
    "LayoutUNet",
    "LesionNetwork",
    "MaskedViT",
    "PainterUNet",
    "PictureFinish",
    "PatchDiscriminator",
    "TEXT_ENCODERS",
    "TextEncoder",
    "TextTokens",
    "TextureCode",
    "TexturePrior",
    "PyramidJudge",
    "TranslatorUNet",
    "build",
    "encode_conditions",
    "folded_weights",
    "load_encoder",
    "enlarged_layout",
    "layout_of",
    "layout_planes",
    "load_network",
    "load_painter",
    "load_part",
    "load_pretrained",
    "load_text_encoder",
    "load_view_translator",
    "load_weights",
    "text_encoder",
]
