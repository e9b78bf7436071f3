import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
bp = func.Blueprint()


@app.function_name(name="HttpOpen")
@app.route(route="open", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def open_(req: func.HttpRequest) -> func.HttpResponse:
    """@app.route(route="not a decorator")"""
    return func.HttpResponse(f"Hello {req.params.get('name')}")


@app.route(route="guarded")
def guarded(req):
    pass


@bp.blob_trigger(arg_name="blob", path="in/{name}", connection="Store")
@bp.queue_output(arg_name="out", queue_name="jobs", connection="Store")
def on_blob(blob, out):
    pass


@app.timer_trigger(schedule="0 0 * * * *", arg_name="t", run_on_startup=False)
def tick(t):
    pass


@other.route(route="flask")
def not_ours():
    pass
