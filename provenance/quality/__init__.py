"""How far a changed picture is from the original, by the measures that film people know."""

from provenance.quality.measures import psnr_db, ssim
from provenance.quality.meter import QualityMeter
from provenance.quality.vmaf import VmafResult, vmaf

__all__ = ["QualityMeter", "VmafResult", "psnr_db", "ssim", "vmaf"]
