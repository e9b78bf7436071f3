package com.example.report;

import java.util.Map;

/** Turns a query into a report; the entry point of the function. */
public final class Handler {
    public String handleRequest(Map<String, Object> event, Object context) {
        Object name = event.get("name");
        return "report for " + (name == null ? "nobody" : name);
    }
}
