package dev.s3llm.examples.server.observe;

import dev.s3llm.examples.server.call.Call;
import dev.s3llm.examples.server.call.CallListener;
import dev.s3llm.examples.server.openai.ApiException;
import dev.s3llm.spring.metrics.GenerationMeters;
import dev.s3llm.text.TextResult;

/** Records the meters of each call. */
public final class CallMeters implements CallListener {
  private final GenerationMeters meters;

  /** Creates a listener that records into these meters. */
  public CallMeters(GenerationMeters meters) {
    this.meters = meters;
  }

  @Override
  public void onEnd(Call call, TextResult text) {
    meters.ended(call.served(), text, ApiException.of(text).map(ApiException::kind));
  }

  @Override
  public void onRefused(Call call, ApiException error) {
    meters.refused(call.served(), error.kind());
  }
}
