package dev.s3llm.simulate;

import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Predicts what a trace has recorded: from the prompt, and again while the answer grows. */
final class RecordedPredictor implements LengthPredictor {
  private static final int INTERVAL = 16;

  private final List<Trace.Request> requests;

  /**
   * Creates the predictor.
   *
   * @param requests requests with recorded predictions; a query's prompt text is an index of them
   */
  RecordedPredictor(List<Trace.Request> requests) {
    this.requests = requests;
  }

  @Override
  public CompletionStage<LengthPrediction> predict(LengthQuery query) {
    return CompletableFuture.completedFuture(recorded(query).firstEntry().getValue());
  }

  @Override
  public int revisionInterval() {
    return INTERVAL;
  }

  @Override
  public LengthPrediction revise(LengthQuery query, LengthPrediction earlier, int generatedTokens) {
    Map.Entry<Integer, LengthPrediction> latest = recorded(query).floorEntry(generatedTokens);
    return latest == null ? earlier : latest.getValue();
  }

  private NavigableMap<Integer, LengthPrediction> recorded(LengthQuery query) {
    return requests.get(Integer.parseInt(String.valueOf(query.promptText()))).recorded();
  }
}
