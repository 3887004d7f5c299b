// Browsers start no worker from a file. Where the site is opened without a server, the worker of
// its search runs in a hidden frame instead. The name is one that Material's offline plugin looks
// for: without such a script it would fetch one.
if (location.protocol === "file:") {
  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inner = this.frame.contentWindow;
      inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const script = inner.document.createElement("script");
      script.src = String(url);
      this.begun = new Promise((resolve) => script.addEventListener("load", resolve));
      inner.document.body.append(script);
    }

    postMessage(data) {
      const inner = this.frame.contentWindow;
      this.begun.then(() => inner.dispatchEvent(new MessageEvent("message", { data })));
    }
  };
}
