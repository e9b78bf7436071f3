#!/bin/sh
# Measures false alarms on packages that no filter was tuned on: popular ones of npm
# and of Python, as a function carries them and with node_modules renamed, so that
# they count as the function's own. Needs node with npm, python3 with pip, Go and jq.
#   sh secrets/compare/heldout.sh WORKDIR
# It prints what is of medium or higher confidence, one line each, to be reviewed.
# Reviewed findings are named in docs/secrets.md; do not tune on this list, or take
# another one afterwards.
set -eu
repo=$(cd "$(dirname "$0")/../.." && pwd)
work=${1:?usage: heldout.sh WORKDIR}
mkdir -p "$work/bin"
cd "$work"

# get DIR installs the package.json on standard input.
get() {
	[ ! -d "$1" ] || return 0
	mkdir -p "$1"
	cat >"$1/package.json"
	(cd "$1" && npm install --no-audit --no-fund --ignore-scripts --legacy-peer-deps >/dev/null)
	cp -al "$1/node_modules" "$1-own"
	find "$1-own" -depth -type d -name node_modules | while read -r d; do mv "$d" "${d%node_modules}packages"; done
}
get npm <<'J'
{"name":"heldout","version":"1.0.0","private":true,"dependencies":{"typescript":"5.4.5","@angular/core":"17.3.0","@angular/compiler":"17.3.0","firebase":"10.11.0","firebase-admin":"12.0.0","@aws-sdk/client-s3":"3.540.0","@aws-sdk/client-dynamodb":"3.540.0","@azure/storage-blob":"12.17.0","@azure/identity":"4.0.1","stripe":"14.23.0","twilio":"5.0.3","@sendgrid/mail":"8.1.1","socket.io":"4.7.5","sequelize":"6.37.1","typeorm":"0.3.20","knex":"3.1.0","pg":"8.11.3","mysql2":"3.9.3","ioredis":"5.3.2","kafkajs":"2.2.4","amqplib":"0.10.3","jsonwebtoken":"9.0.2","passport":"0.7.0","axios":"1.6.8","winston":"3.13.0","jest":"29.7.0","mocha":"10.4.0","sinon":"17.0.1","vite":"5.2.6","react":"18.2.0","react-dom":"18.2.0","vue":"3.4.21","d3":"7.9.0","three":"0.162.0","chart.js":"4.4.2","pdfkit":"0.15.0","openai":"4.30.0","@anthropic-ai/sdk":"0.20.1","langchain":"0.1.30","graphql":"16.8.1","@nestjs/core":"10.3.5","@nestjs/common":"10.3.5","fastify":"4.26.2","koa":"2.15.2","@hapi/hapi":"21.3.7","node-forge":"1.3.1","jose":"5.2.3","ssh2":"1.15.0","oauth":"0.10.0","nodemailer":"6.9.13"}}
J
# Run after the filters had been tuned on what the first list showed.
get second <<'J'
{"name":"second","version":"1.0.0","private":true,"dependencies":{"next":"14.1.4","antd":"5.15.4","@mui/material":"5.15.14","@mui/icons-material":"5.15.14","@google-cloud/pubsub":"4.3.3","@google-cloud/firestore":"7.5.0","puppeteer-core":"22.6.1","discord.js":"14.14.1","telegraf":"4.16.3","ethers":"6.11.1","jsrsasign":"11.1.0","node-rsa":"1.1.1","mongodb":"6.5.0","cassandra-driver":"4.7.2","neo4j-driver":"5.18.0","@elastic/elasticsearch":"8.12.2","algoliasearch":"4.23.2","@octokit/rest":"20.0.2","@slack/bolt":"3.17.1","contentful":"10.8.6","mqtt":"5.5.0","openid-client":"5.6.5","soap":"1.0.0","request":"2.88.2","pm2":"5.3.1"}}
J
if [ ! -d python ]; then
	python3 -m pip install --quiet --no-compile --target python django==5.0.3 flask==3.0.2 fastapi==0.110.0 sqlalchemy==2.0.29 celery==5.3.6 \
		paramiko==3.4.0 scrapy==2.11.1 sphinx==7.2.6 ansible-core==2.16.5 google-cloud-storage==2.16.0 azure-identity==1.15.0 \
		azure-storage-blob==12.19.1 stripe==8.8.0 twilio==9.0.3 openai==1.14.3 tornado==6.4 pymysql==1.1.0 redis==5.0.3 kafka-python==2.0.2 \
		pyjwt==2.8.0 authlib==1.3.0 jupyterlab==4.1.5 pandas==2.2.1
fi
(cd "$repo" && CGO_ENABLED=0 go build -o "$work/bin/fnvet" ./cmd/fnvet)
for t in npm npm-own python second second-own; do
	bytes=$(find $t -type f -printf '%s\n' | awk '{n += $1} END {print n}')
	bin/fnvet scan --only secret --offline --fail-on never --format json=$t.json $t >/dev/null || true
	jq -r --arg t "$t ($bytes bytes)" '"== \($t): \(.findings | length) findings, \([.findings[] | select(.secret.confidence != "low")] | length) of medium or higher, \(.gaps | length) gaps"' $t.json
	jq -r '.findings[] | select(.secret.confidence != "low") | "\(.secret.confidence) \(.id) \(.path):\(.line) \(.secret.name) \(.evidence)"' $t.json
done
