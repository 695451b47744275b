"""insightface's networks, MagFace and CR-FIQA as backbones of froq-lightning."""
