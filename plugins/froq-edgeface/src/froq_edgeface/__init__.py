"""EdgeFace as backbones of froq-lightning."""
