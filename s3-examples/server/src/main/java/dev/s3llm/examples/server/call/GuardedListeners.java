package dev.s3llm.examples.server.call;

import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.text.TextResult;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Calls several listeners; an exception of one affects neither the call nor the others. */
final class GuardedListeners implements CallListener {
  private static final Logger log = LoggerFactory.getLogger(GuardedListeners.class);

  private final List<CallListener> listeners;

  GuardedListeners(List<CallListener> listeners) {
    this.listeners = List.copyOf(listeners);
  }

  @Override
  public void onEnd(Call call, TextResult result) {
    guard(listener -> listener.onEnd(call, result));
  }

  @Override
  public void onRefused(Call call, ApiException error) {
    guard(listener -> listener.onRefused(call, error));
  }

  private void guard(Consumer<CallListener> report) {
    for (CallListener listener : listeners) {
      try {
        report.accept(listener);
      } catch (Throwable e) {
        log.warn("{} failed", listener, e);
      }
    }
  }
}
