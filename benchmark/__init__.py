"""The runner: command line, settings and presets, artifact store, tools, MLflow tracking, leaderboard."""
