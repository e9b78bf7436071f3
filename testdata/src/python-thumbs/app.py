"""Makes thumbnails of pictures that land in a bucket."""
import json
import os

import requests
import yaml
from jinja2 import Template

import settings

PAGE = Template("<img src='{{ url }}' width='{{ width }}'>")


def lambda_handler(event, context):
    sizes = yaml.safe_load(os.environ.get("SIZES", "[128, 256]"))
    made = []
    for record in event.get("Records", []):
        key = record["s3"]["object"]["key"]
        for width in sizes:
            made.append(PAGE.render(url=key, width=width))
    requests.post(settings.WEBHOOK, json={"text": "%d thumbnails" % len(made)}, timeout=3)
    return {"statusCode": 200, "body": json.dumps(made)}
