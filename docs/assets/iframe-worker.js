// Search runs in a worker, and browsers start none for pages that lie on a disk (file:). Here a hidden frame stands in
// for it: it loads the worker's script, and messages go between them. The word iframe-worker in this file's name tells
// the theme's plugin `offline` that the page needs no such script from elsewhere.
(() => {
  "use strict";
  if (location.protocol !== "file:") {
    return;
  }

  class FrameWorker extends EventTarget {
    constructor(url) {
      super();
      this.onmessage = null;
      this.waiting = [];
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.title = "search";
      frame.srcdoc = "<!doctype html><title>search</title>";
      frame.addEventListener("load", () => this.begin(frame.contentWindow, String(url)), { once: true });
      document.body.append(frame);
    }

    begin(inside, url) {
      const tell = (data) => {
        const event = new MessageEvent("message", { data });
        this.dispatchEvent(event);
        this.onmessage?.(event);
      };
      inside.postMessage = (data) => setTimeout(tell, 0, data);
      inside.importScripts = (...scripts) => scripts.forEach((source) => this.load(inside, source));
      this.load(inside, url).addEventListener("load", () => {
        this.inside = inside;
        this.waiting.splice(0).forEach((data) => this.postMessage(data));
      });
    }

    load(inside, source) {
      const script = inside.document.createElement("script");
      script.src = source;
      inside.document.body.append(script);
      return script;
    }

    postMessage(data) {
      if (this.inside) {
        this.inside.dispatchEvent(new this.inside.MessageEvent("message", { data }));
      } else {
        this.waiting.push(data);
      }
    }

    terminate() {}
  }

  window.Worker = FrameWorker;
})();
