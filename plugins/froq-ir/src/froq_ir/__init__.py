"""Improved ResNets of face recognition (AdaFace, CurricularFace, CVLface) as backbones of froq-lightning."""
