package main

// recipes is the table of all packages, in the order of the manifest.
func recipes() []recipe {
	return []recipe{
		{"clean-fn.zip", cleanFn},
		{"image-alpine.tar", imageAlpine},
		{"image-oci.tar", imageOCI},
		{"image-two-layers.tar", imageDocker},
		{"java-report.jar", javaReport},
		{"layer.zip", layer},
		{"nested.zip", nested},
		{"node-orders.zip", nodeOrders},
		{"python-thumbs.zip", pythonThumbs},
	}
}

// cleanFn is a function that nothing can be said against.
func cleanFn(k *kitchen) ([]byte, error) {
	return k.done(zipped,
		k.owns("clean-fn/", "", "index.js", "package.json", "package-lock.json"),
		k.from("npm/minimist@1.2.8", "node_modules/minimist/", "package.json", "index.js", "LICENSE"),
	)
}

// nodeOrders is what "npm ci --omit=dev" leaves: a scoped package, a nested
// second version of minimist, links in .bin, and a locked package (ini) that is
// a development dependency and not installed.
func nodeOrders(k *kitchen) ([]byte, error) {
	return k.done(zipped,
		k.owns("node-orders/", "", "index.js", "config.js", "package.json", "package-lock.json"),
		[]entry{
			k.own("node-orders/dot-env", "", ".env"),
			k.own("node-orders/hidden-lock.json", "", "node_modules/.package-lock.json"),
			link("node_modules/.bin/mkdirp", "../mkdirp/bin/cmd.js"),
		},
		k.from("npm/lodash@4.17.15", "node_modules/lodash/", "package.json", "LICENSE", "lodash.js", "get.js", "_baseGet.js"),
		k.from("npm/minimist@1.2.0", "node_modules/minimist/", minimistFiles()...),
		k.from("npm/axios@0.21.0", "node_modules/axios/", axiosFiles()...),
		k.from("npm/follow-redirects@1.13.0", "node_modules/follow-redirects/", "package.json", "LICENSE", "index.js", "http.js", "https.js", "debug.js"),
		k.from("npm/qs@6.5.1", "node_modules/qs/", qsFiles()...),
		k.from("npm/@hapi/hoek@8.3.0", "node_modules/@hapi/hoek/", hoekFiles()...),
		k.from("npm/mkdirp@0.5.1", "node_modules/mkdirp/", mkdirpFiles()...),
		k.from("npm/minimist@0.0.8", "node_modules/mkdirp/node_modules/minimist/", minimistFiles()...),
	)
}

func minimistFiles() []string { return []string{"package.json", "LICENSE", "index.js"} }
func mkdirpFiles() []string   { return []string{"package.json", "LICENSE", "index.js", "bin/cmd.js"} }

func qsFiles() []string {
	return []string{"package.json", "LICENSE", "lib/index.js", "lib/parse.js", "lib/stringify.js", "lib/formats.js", "lib/utils.js"}
}

func hoekFiles() []string {
	return under("lib/", []string{"../package.json", "../LICENSE.md", "applyToDefaults.js", "assert.js", "bench.js", "block.js", "clone.js", "contain.js", "deepEqual.js", "error.js", "escapeHeaderAttribute.js", "escapeHtml.js", "escapeJson.js", "escapeRegex.js", "flatten.js", "ignore.js", "index.js", "intersect.js", "merge.js", "once.js", "reach.js", "reachTemplate.js", "stringify.js", "types.js", "utils.js", "wait.js"})
}

func axiosFiles() []string {
	return under("lib/", []string{"../package.json", "../LICENSE", "../index.js", "adapters/http.js", "adapters/xhr.js", "axios.js", "cancel/Cancel.js", "cancel/CancelToken.js", "cancel/isCancel.js", "core/Axios.js", "core/InterceptorManager.js", "core/buildFullPath.js", "core/createError.js", "core/dispatchRequest.js", "core/enhanceError.js", "core/mergeConfig.js", "core/settle.js", "core/transformData.js", "defaults.js", "helpers/bind.js", "helpers/buildURL.js", "helpers/combineURLs.js", "helpers/cookies.js", "helpers/deprecatedMethod.js", "helpers/isAbsoluteURL.js", "helpers/isURLSameOrigin.js", "helpers/normalizeHeaderName.js", "helpers/parseHeaders.js", "helpers/spread.js", "utils.js"})
}

// pythonThumbs is what "pip install -t ." leaves, thinned out: metadata of
// wheels, and egg-info for PyYAML, which has no wheel for this version.
func pythonThumbs(k *kitchen) ([]byte, error) {
	return k.done(zipped,
		k.owns("python-thumbs/", "", "app.py", "settings.py", "requirements.txt"),
		k.wheel("", "pypi/requests@2.19.1", "requests-2.19.1.dist-info", "LICENSE.txt", "requests/__init__.py", "requests/__version__.py", "requests/api.py", "requests/hooks.py"),
		k.wheel("", "pypi/urllib3@1.24.1", "urllib3-1.24.1.dist-info", "LICENSE.txt", "urllib3/__init__.py", "urllib3/request.py", "urllib3/util/__init__.py"),
		k.wheel("", "pypi/idna@2.7", "idna-2.7.dist-info", "LICENSE.txt", "idna/__init__.py", "idna/package_data.py"),
		k.wheel("", "pypi/Jinja2@2.10", "Jinja2-2.10.dist-info", "LICENSE.txt", "jinja2/__init__.py", "jinja2/sandbox.py"),
		moved(k.from("pypi/PyYAML@5.3", "", "PKG-INFO"), "PyYAML-5.3-py3.8.egg-info/PKG-INFO"),
		moved(k.from("pypi/PyYAML@5.3", "", "LICENSE"), "PyYAML-5.3-py3.8.egg-info/LICENSE"),
		moved(k.from("pypi/PyYAML@5.3", "", "lib3/yaml/__init__.py"), "yaml/__init__.py"),
		moved(k.from("pypi/PyYAML@5.3", "", "lib3/yaml/loader.py"), "yaml/loader.py"),
	)
}

// wheel is the metadata and a few modules of a wheel as pip unpacks it.
func (k *kitchen) wheel(dir, id, info, licence string, modules ...string) []entry {
	meta := under(info+"/", []string{"METADATA", "WHEEL", "RECORD", "top_level.txt", licence})
	out := k.from(id, dir, append(meta, modules...)...)
	return append(out, entry{name: dir + info + "/INSTALLER", data: []byte("pip\n")})
}

// javaReport is a fat jar: our handler, two artifacts shaded into the outer jar,
// a nested jar that states its coordinates, and one that does not.
func javaReport(k *kitchen) ([]byte, error) {
	log4j, err := k.done(jarred, k.from("maven/org.apache.logging.log4j:log4j-core@2.14.1", "",
		"META-INF/MANIFEST.MF", "META-INF/LICENSE", "META-INF/NOTICE",
		"META-INF/maven/org.apache.logging.log4j/log4j-core/pom.properties",
		"org/apache/logging/log4j/core/lookup/JndiLookup.class",
		"org/apache/logging/log4j/core/net/JndiManager.class",
		"org/apache/logging/log4j/core/net/JndiManager$JndiManagerFactory.class"))
	if err != nil {
		return nil, err
	}
	spring, err := k.done(jarred, k.from("maven/org.springframework:spring-core@5.3.17", "",
		"META-INF/MANIFEST.MF", "META-INF/license.txt", "META-INF/notice.txt",
		"org/springframework/core/SpringVersion.class",
		"org/springframework/core/SpringProperties.class",
		"org/springframework/util/StringUtils.class"))
	if err != nil {
		return nil, err
	}
	return k.done(jarred,
		[]entry{
			k.own("java-report/MANIFEST.MF", "", "META-INF/MANIFEST.MF"),
			k.own("java-report/pom.properties", "", "META-INF/maven/com.example/report/pom.properties"),
			k.own("java-report/application.properties", "", "application.properties"),
			{name: "lib/log4j-core-2.14.1.jar", data: log4j},
			{name: "lib/spring-core-5.3.17.jar", data: spring},
		},
		k.from("javac/report", "", "com/example/report/Handler.class"),
		k.from("maven/com.google.code.gson:gson@2.8.8", "",
			"META-INF/maven/com.google.code.gson/gson/pom.properties", "com/google/gson/Gson.class", "com/google/gson/internal/LinkedTreeMap.class"),
		k.from("maven/org.apache.commons:commons-text@1.9", "",
			"META-INF/maven/org.apache.commons/commons-text/pom.properties", "META-INF/LICENSE.txt", "META-INF/NOTICE.txt",
			"org/apache/commons/text/StringSubstitutor.class", "org/apache/commons/text/lookup/ScriptStringLookup.class"),
	)
}

// layer is a Lambda layer with a Python and a Node part; py carries vendored
// packages with metadata of their own, hello-shai is a stand-in for malware.
func layer(k *kitchen) ([]byte, error) {
	return k.done(zipped,
		[]entry{
			k.own("layer/hello-shai.package.json", "", "nodejs/node_modules/hello-shai/package.json"),
			k.own("layer/hello-shai.index.js", "", "nodejs/node_modules/hello-shai/index.js"),
			k.own("layer/deploy_key.pem", "", "python/deploy_key.pem"),
		},
		k.from("npm/qs@6.5.1", "nodejs/node_modules/qs/", qsFiles()...),
		k.wheel("python/", "pypi/py@1.11.0", "py-1.11.0.dist-info", "LICENSE", "py/__init__.py", "py/_version.py",
			"py/_vendored_packages/apipkg-2.0.0.dist-info/METADATA", "py/_vendored_packages/apipkg-2.0.0.dist-info/LICENSE",
			"py/_vendored_packages/iniconfig-1.1.1.dist-info/METADATA", "py/_vendored_packages/iniconfig-1.1.1.dist-info/LICENSE"),
	)
}

// nested is a zip in a gzipped tar in a zip, with something to find at every depth.
func nested(k *kitchen) ([]byte, error) {
	const tarAt, zipAt = "release/bundle.tar.gz!/", "release/bundle.tar.gz!/bundle/fn.zip!/"
	inner, err := k.done(zipped,
		k.owns("nested/", zipAt, "index.js", "package.json"),
		k.from("npm/minimist@0.0.8", "node_modules/minimist/", minimistFiles()...),
	)
	if err != nil {
		return nil, err
	}
	middle, err := k.done(tarred, []entry{
		{name: "bundle/fn.zip", data: inner},
		k.own("nested/ci.json", tarAt, "bundle/ci.json"),
		k.own("nested/Cargo.lock", tarAt, "bundle/Cargo.lock"),
	})
	if err != nil {
		return nil, err
	}
	packed, err := gzipped(middle)
	if err != nil {
		return nil, err
	}
	return zipped([]entry{{name: "release/bundle.tar.gz", data: packed}, {name: "release/VERSION", data: []byte("0.2.0\n")}})
}

// owns is several files of one folder of testdata/src under their own names.
func (k *kitchen) owns(from, at string, names ...string) []entry {
	var out []entry
	for _, name := range names {
		out = append(out, k.own(from+name, at, name))
	}
	return out
}

// under puts a folder before names; a name that starts with "../" leaves it.
func under(dir string, names []string) []string {
	var out []string
	for _, name := range names {
		if len(name) > 3 && name[:3] == "../" {
			out = append(out, name[3:])
			continue
		}
		out = append(out, dir+name)
	}
	return out
}
