"""WHO is observed: the network, how it is fed, which of its layers may be observed."""
