"""TransFace's vision transformers as backbones of froq-lightning."""
