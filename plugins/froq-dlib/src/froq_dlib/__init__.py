"""dlib for froq-lightning: its face-recognition network as a backbone, its face detector as an aligner."""
