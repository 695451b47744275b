"""Formats that people have their images and comparison trials in, one file each."""
