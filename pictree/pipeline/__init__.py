"""The whole flow, stage by stage; each can be resumed."""
