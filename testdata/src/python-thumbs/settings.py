"""Settings of the thumbnail function."""
WEBHOOK = "@@slack-webhook@@"
SLACK_TOKEN = "@@slack-bot@@"
SENDGRID_API_KEY = "@@sendgrid@@"
