"""What is shown of the rules' state: figures, metrics, snapshots."""
