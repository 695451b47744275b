"""facenet (Inception-ResNet v1) as a backbone of froq-lightning."""
