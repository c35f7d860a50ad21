package dev.s3llm.examples.server.openai;

import dev.s3llm.text.TextResult;

/**
 * Hears how calls go, to measure them. Called on the threads that serve, so it must be quick; what
 * it throws is logged. Each call is heard of once, when it is over, also where its client has gone.
 */
public interface CallListener {

  /**
   * A call that was taken ended; {@link ApiException#of(TextResult)} says what was wrong, if so.
   */
  void onEnd(Call call, TextResult result);

  /**
   * A call was not taken, be it that the engine refused it after it had looked at it.
   *
   * @param error what the client is told, or would be if it were still there
   */
  void onRefused(Call call, ApiException error);
}
