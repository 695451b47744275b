"""General image quality, by the metrics of pyiqa, as a quality method of froq-lightning."""
