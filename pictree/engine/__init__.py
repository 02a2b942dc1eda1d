"""Who does which shard: this process, several, or a cluster."""
