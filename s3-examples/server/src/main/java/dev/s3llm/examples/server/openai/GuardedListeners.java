package dev.s3llm.examples.server.openai;

import dev.s3llm.text.TextResult;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Several listeners as one; what one of them throws harms neither the call nor the others. */
final class GuardedListeners implements CallListener {
  private static final Logger log = LoggerFactory.getLogger(GuardedListeners.class);

  private final List<CallListener> listeners;

  GuardedListeners(List<CallListener> listeners) {
    this.listeners = List.copyOf(listeners);
  }

  @Override
  public void onEnd(Call call, TextResult result) {
    tell(listener -> listener.onEnd(call, result));
  }

  @Override
  public void onRefused(Call call, ApiException error) {
    tell(listener -> listener.onRefused(call, error));
  }

  private void tell(Consumer<CallListener> what) {
    for (CallListener listener : listeners) {
      try {
        what.accept(listener);
      } catch (Throwable e) {
        log.warn("{} failed", listener, e);
      }
    }
  }
}
