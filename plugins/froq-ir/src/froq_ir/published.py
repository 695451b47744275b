"""Where the authors of AdaFace, CVLface and CurricularFace publish their weights."""

from froq_lightning.backbones.published import PublishedWeights

CVLFACE = "https://github.com/mk-minchul/CVLface/blob/main/README.md"
ADAFACE = "https://github.com/mk-minchul/AdaFace/blob/master/README.md"
CURRICULARFACE = "https://github.com/HuangYG123/CurricularFace/blob/master/README.md"


def _cvlface(depth: str, data: str) -> PublishedWeights:
    return PublishedWeights(f"cvlface_{depth}", f"hf://minchul/cvlface_adaface_{depth}_{data}", CVLFACE)


def _adaface(depth: str, file: str) -> PublishedWeights:
    page = f"https://drive.google.com/file/d/{file}/view"
    return PublishedWeights(f"adaface_{depth}", page, ADAFACE, by_hand=True)


CVLFACE_IR18_CASIA = _cvlface("ir18", "casia")
CVLFACE_IR18_VGG2 = _cvlface("ir18", "vgg2")
CVLFACE_IR18_WEBFACE4M = _cvlface("ir18", "webface4m")
CVLFACE_IR50_CASIA = _cvlface("ir50", "casia")
CVLFACE_IR50_MS1MV2 = _cvlface("ir50", "ms1mv2")
CVLFACE_IR50_WEBFACE4M = _cvlface("ir50", "webface4m")
CVLFACE_IR101_MS1MV2 = _cvlface("ir101", "ms1mv2")
CVLFACE_IR101_MS1MV3 = _cvlface("ir101", "ms1mv3")
CVLFACE_IR101_WEBFACE4M = _cvlface("ir101", "webface4m")
CVLFACE_IR101_WEBFACE12M = _cvlface("ir101", "webface12m")
ADAFACE_IR18_CASIA = _adaface("ir18", "1BURBDplf2bXpmwOL1WVzqtaVmQl9NpPe")
ADAFACE_IR18_VGG2 = _adaface("ir18", "1k7onoJusC0xjqfjB-hNNaxz9u6eEzFdv")
ADAFACE_IR18_WEBFACE4M = _adaface("ir18", "1J17_QW1Oq00EhSWObISnhWEYr2NNrg2y")
ADAFACE_IR50_CASIA = _adaface("ir50", "1g1qdg7_HSzkue7_VrW64fnWuHl0YL2C2")
ADAFACE_IR50_WEBFACE4M = _adaface("ir50", "1BmDRrhPsHSbXcWZoYFPJg2KJn1sd3QpN")
ADAFACE_IR50_MS1MV2 = _adaface("ir50", "1eUaSHG4pGlIZK7hBkqjyp2fc2epKoBvI")
ADAFACE_IR101_MS1MV2 = _adaface("ir101", "1m757p4-tUU5xlSHLaO04sqnhvqankimN")
ADAFACE_IR101_MS1MV3 = _adaface("ir101", "1hRI8YhlfTx2YMzyDwsqLTOxbyFVOqpSI")
ADAFACE_IR101_WEBFACE4M = _adaface("ir101", "18jQkqB0avFqWa0Pas52g54xNshUOQJpQ")
ADAFACE_IR101_WEBFACE12M = _adaface("ir101", "1dswnavflETcnAuplZj1IOKKP0eM8ITgT")
CURRICULARFACE_IR101 = PublishedWeights(
    "curricularface_ir101",
    "https://drive.google.com/open?id=1upOyrPzZ5OI3p6WkA5D5JFYCeiZuaPcp",
    CURRICULARFACE,
    by_hand=True,
)
