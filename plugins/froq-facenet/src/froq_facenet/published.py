"""Where the author of facenet-pytorch publishes its weights."""

from froq_lightning.backbones.published import PublishedWeights

SOURCE = "https://github.com/timesler/facenet-pytorch/blob/master/README.md"
RELEASE = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9"

VGGFACE2 = PublishedWeights("facenet", f"{RELEASE}/20180402-114759-vggface2.pt", SOURCE, size="107MB")
CASIA_WEBFACE = PublishedWeights("facenet", f"{RELEASE}/20180408-102900-casia-webface.pt", SOURCE, size="111MB")
