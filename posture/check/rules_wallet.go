package check

import "github.com/fnvet/fnvet"

// The rules about what callers can make a function cost.
const (
	noConcurrency    = "config/no-concurrency-limit"
	recursiveTrigger = "config/recursive-trigger"
	noThrottle       = "config/no-throttle"
	noWAF            = "config/no-waf"
	noBudget         = "config/no-budget"
	timeoutAPI       = "config/timeout-beyond-api"
	timeoutDefault   = "config/timeout-default"
	queueVisibility  = "config/queue-visibility"
	queueDeadLetter  = "config/queue-without-dead-letter"
	noDeadLetter     = "config/async-without-dead-letter"
	streamRetries    = "config/stream-endless-retries"
	scheduleOverlap  = "config/schedule-overlap"
	worstCaseBill    = "config/worst-case-bill"
)

func walletRules() []rule {
	return []rule{
		{noConcurrency, fnvet.Info, denialWallet, "no limit to how often the function runs at once",
			"The function can take all of the account's concurrency, and its bill grows with the requests of strangers. Where anyone can call it and nothing throttles them this is medium; else it is advice.",
			"Reserve a concurrency, or throttle the API.",
			"ReservedConcurrentExecutions: 20",
			[]string{"CKV_AWS_115", "cfn_nag W92"}},
		{recursiveTrigger, fnvet.High, denialWallet, "function can start itself",
			"It writes to the bucket, queue, topic or table that starts it. One event becomes two, then all that the account can run.",
			"Write to another resource, or under a prefix that the trigger does not listen to.",
			"Events:\n  Upload:\n    Type: S3\n    Properties:\n      Bucket: !Ref Uploads\n      Events: s3:ObjectCreated:*\n      Filter:\n        S3Key:\n          Rules:\n            - {Name: prefix, Value: in/}   # and write to out/", nil},
		{noThrottle, fnvet.Low, denialWallet, "public API without throttling",
			"The stage takes as many requests as the whole account may: 10,000 a second.",
			"Set a rate and a burst that fit the use.",
			"MethodSettings:\n  - ResourcePath: /*\n    HttpMethod: '*'\n    ThrottlingRateLimit: 50\n    ThrottlingBurstLimit: 100", nil},
		{noWAF, fnvet.Info, denialWallet, "public API without a web ACL",
			"A web ACL stops floods from few addresses before anything is paid for.",
			"Associate a web ACL with a rate rule.",
			"Type: AWS::WAFv2::WebACLAssociation\nProperties:\n  ResourceArn: !Sub arn:aws:apigateway:${AWS::Region}::/restapis/${Api}/stages/prod\n  WebACLArn: !GetAtt Acl.Arn", []string{"CKV2_AWS_29"}},
		{noBudget, fnvet.Info, denialWallet, "no budget alarm in a stack with public functions",
			"Without a budget the first news of an attack on the bill is the bill.",
			"Add a budget that tells someone.",
			"Type: AWS::Budgets::Budget\nProperties:\n  Budget:\n    BudgetType: COST\n    TimeUnit: MONTHLY\n    BudgetLimit: {Amount: 100, Unit: USD}\n  NotificationsWithSubscribers:\n    - Notification: {NotificationType: ACTUAL, ComparisonOperator: GREATER_THAN, Threshold: 80}\n      Subscribers: [{SubscriptionType: EMAIL, Address: ops@shop.example}]", nil},
		{timeoutAPI, fnvet.Low, denialWallet, "timeout longer than any caller waits",
			"REST APIs answer after 29 seconds and HTTP APIs after 30, whatever the function does; it goes on and is paid for.",
			"Set a timeout a little over what a request takes.",
			"Timeout: 10", nil},
		{timeoutDefault, fnvet.Info, denialWallet, "default timeout for a batch",
			"Three seconds are short for a batch of messages or an object: the function is stopped half way and everything comes again.",
			"Set the timeout that a full batch needs.",
			"Timeout: 60", nil},
		{queueVisibility, fnvet.Low, denialWallet, "visibility timeout of a queue under six times the function's timeout",
			"Messages become visible again while they are being worked on, and are worked on twice.",
			"Set the queue's visibility timeout to six times the function's timeout.",
			"VisibilityTimeout: 180   # Timeout: 30",
			[]string{"cfn-lint E3505"}},
		{queueDeadLetter, fnvet.Low, denialWallet, "queue without a dead-letter queue",
			"A message that cannot be handled comes again and again, and is paid for each time.",
			"Add a redrive policy.",
			"RedrivePolicy:\n  deadLetterTargetArn: !GetAtt DeadLetters.Arn\n  maxReceiveCount: 5", nil},
		{noDeadLetter, fnvet.Low, denialWallet, "asynchronous events that fail are lost",
			"Lambda tries an asynchronous event three times and drops it.",
			"Add a dead-letter queue or a destination for failures.",
			"EventInvokeConfig:\n  DestinationConfig:\n    OnFailure: {Type: SQS, Destination: !GetAtt DeadLetters.Arn}",
			[]string{"CKV_AWS_116"}},
		{streamRetries, fnvet.Low, denialWallet, "stream records are tried again without end",
			"By default a bad record is tried until it expires, a day or more, and holds its shard up.",
			"Limit retries and age, and keep what failed.",
			"MaximumRetryAttempts: 5\nBisectBatchOnFunctionError: true\nDestinationConfig:\n  OnFailure: {Destination: !GetAtt DeadLetters.Arn}", nil},
		{scheduleOverlap, fnvet.Low, denialWallet, "schedule shorter than the timeout",
			"The next run starts before the last must have ended; a slow dependency piles them up.",
			"Run it less often, shorten the timeout, or reserve a concurrency of 1.",
			"Timeout: 50\nEvents:\n  Tick: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}", nil},
		{worstCaseBill, fnvet.Info, denialWallet, "worst-case bill",
			"What the function costs when it always runs until its timeout, as often at once as it may: memory × concurrency × list price, and the requests. Functions without a limit of their own share the account's 1,000; Google's have the provider's 100. Free tiers, other services and Azure are not counted; --price-file brings prices of your own.",
			"Lower memory, timeout or concurrency if that is more than you would pay.",
			"MemorySize: 256\nTimeout: 10\nReservedConcurrentExecutions: 20", nil},
	}
}
