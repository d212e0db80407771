"""Videos in, clips out: collections, decoding, data sets of clips, and the order of training."""
