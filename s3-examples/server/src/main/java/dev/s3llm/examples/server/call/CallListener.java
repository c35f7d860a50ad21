package dev.s3llm.examples.server.call;

import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.text.TextResult;

/**
 * Listens to the ends of calls, to measure them. Each answer of a call is reported once, also after
 * its client disconnected; a call without generation is not reported. Runs on the threads that
 * serve, so it must return quickly; an exception is logged.
 */
public interface CallListener {

  /**
   * Reports the end of an answer that the engine accepted; {@link ApiException#of(TextResult)}
   * returns its error, if there is one.
   */
  void onEnd(Call call, TextResult result);

  /**
   * Reports a call that was refused, at once or after the engine had predicted its length.
   *
   * @param error the error that the client gets if it is still connected
   */
  void onRefused(Call call, ApiException error);
}
