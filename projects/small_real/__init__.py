"""IIC on a few hundred real clips."""
