#!/bin/sh
# Builds the corpus of docs/secrets.md from npm and compares CPU time, throughput
# and memory with gitleaks. Needs node with npm, Go and GNU time.
#   sh secrets/compare/compare.sh WORKDIR
# In the tree, node_modules folders are called packages: gitleaks skips the first.
set -eu
repo=$(cd "$(dirname "$0")/../.." && pwd)
work=${1:?usage: compare.sh WORKDIR}
version=v8.30.1
mkdir -p "$work/bin"
cd "$work"

if [ ! -d tree ]; then
	mkdir npm && cd npm
	cat >package.json <<'J'
{"name":"corpus","version":"1.0.0","private":true,"dependencies":{"aws-sdk":"2.1000.0","googleapis":"92.0.0","lodash":"4.17.20","moment":"2.29.1","express":"4.17.1","core-js":"3.20.0","date-fns":"2.28.0","rxjs":"7.5.0","mongoose":"6.1.0","webpack":"5.65.0","@babel/core":"7.16.5","eslint":"8.5.0"}}
J
	npm install --no-audit --no-fund --ignore-scripts >/dev/null
	cd ..
	mv npm/node_modules tree
	find tree -depth -type d -name node_modules | while read -r d; do mv "$d" "${d%node_modules}packages"; done
fi
(cd "$repo" && CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$work/bin/fnvet" ./cmd/fnvet)
if [ ! -x bin/gitleaks-release ]; then
	GOBIN=$work/bin go install -tags gore2regex "github.com/zricethezav/gitleaks/v8@$version"
	mv bin/gitleaks bin/gitleaks-release
	GOBIN=$work/bin go install "github.com/zricethezav/gitleaks/v8@$version"
	mv bin/gitleaks bin/gitleaks-plain
fi

# What is dense: the API descriptions of botocore, unpacked, and minified scripts.
if [ ! -d botocore ] && command -v python3 >/dev/null; then
	python3 -m pip install --quiet --no-compile --no-deps --target pip botocore==1.34.84
	find pip/botocore -name '*.gz' -exec gunzip {} +
	mv pip/botocore botocore
fi
if [ ! -d minified ]; then
	mkdir bundles && cd bundles
	cat >package.json <<'J'
{"name":"bundles","version":"1.0.0","private":true,"dependencies":{"plotly.js-dist-min":"2.8.3","echarts":"5.2.2","monaco-editor":"0.31.1","mathjs":"10.0.2","pdfjs-dist":"2.12.313","bootstrap":"5.1.3","three":"0.135.0"}}
J
	npm install --no-audit --no-fund --ignore-scripts >/dev/null
	cd ..
	mkdir minified
	find tree bundles \( -name '*.min.js' -o -path '*/monaco-editor/min/*.js' \) -size +20k | sort |
		while read -r f; do cp "$f" "minified/$(echo "$f" | tr / _)"; done
fi

measure() {
	name=$1
	shift
	/usr/bin/time -f '%U %S %M' -o time.txt "$@" >out.txt 2>err.txt || true
	tail -1 time.txt | awk -v b="$bytes" -v n="$name" '{c = $1 + $2; printf "%-18s %6.1f CPU-seconds %7.1f MB/CPU-second %5d MB RSS\n", n, c, b / 1e6 / c, $3 / 1024}'
}
for dir in tree botocore minified; do
	[ -d $dir ] || continue
	bytes=$(find $dir -type f -printf '%s\n' | awk '{n += $1} END {print n}')
	echo "$dir: $bytes bytes"
	measure fnvet bin/fnvet scan --only secret --offline --fail-on never --format json $dir
	measure gitleaks-release bin/gitleaks-release dir --no-banner --exit-code 0 $dir
	for turn in 2 3; do
		measure "fnvet, run $turn" bin/fnvet scan --only secret --offline --fail-on never --format json $dir
	done
done
if [ "${2:-}" = plain ]; then
	bytes=$(find tree -type f -printf '%s\n' | awk '{n += $1} END {print n}')
	measure gitleaks-plain bin/gitleaks-plain dir --no-banner --exit-code 0 tree
fi
