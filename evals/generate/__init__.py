"""The world generator: from a seed to a company in the world format, with tickets whose causes were planted."""
