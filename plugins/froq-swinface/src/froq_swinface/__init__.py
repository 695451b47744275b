"""SwinFace as a backbone of froq-lightning."""
