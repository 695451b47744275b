"""MobileFaceNet as a backbone of froq-lightning."""
