package dev.s3llm.scenario;

import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.GenerationResult;
import dev.s3llm.GenerationResult.TokenScores;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Flow;

/**
 * The caller of one request: reads the stream at its own pace, does wrong when faults strike, and
 * records what it receives.
 */
final class Client implements Flow.Subscriber<Integer> {
  /** How a subscriber requests tokens. */
  private enum Pace {
    ALL,
    ONE_BY_ONE,
    /** When the scenario decides. */
    SLOW
  }

  final GenerationRequest request;
  final Generation generation;
  final int arrival;
  final long submittedNanos;
  final List<Integer> tokens = new ArrayList<>();
  long demand;
  int nesting;
  int streamEnds;
  Throwable streamError;
  boolean misused;
  boolean unsubscribed;
  int results;
  GenerationResult result;
  boolean mayFail;
  int overtakes;

  /** The latest pass before its cancellation. */
  int cancelledAtPass = Integer.MAX_VALUE;

  private final Scenario scenario;
  private final FaultPlan faults;
  private final Random random;
  private final Pace pace;
  private Flow.Subscription subscription;

  Client(
      Scenario scenario,
      GenerationRequest request,
      Generation generation,
      FaultPlan faults,
      Random random) {
    this.scenario = scenario;
    this.request = request;
    this.generation = generation;
    this.arrival = scenario.clients().size();
    this.submittedNanos = scenario.now();
    this.faults = faults;
    this.random = random;
    this.pace = Pace.values()[random.nextInt(Pace.values().length)];
    this.mayFail = request.tokenConstraint().isPresent(); // it may come to a dead end
  }

  String id() {
    return request.id();
  }

  long deadlineNanos() {
    return request
        .deadline()
        .map(d -> submittedNanos + Math.max(0, d.toNanos()))
        .orElse(Long.MAX_VALUE);
  }

  boolean refusesToWait() {
    return request.firstTokenWithin().isPresent();
  }

  boolean cancelledByClose() {
    return scenario.cancelledByClose();
  }

  boolean failedByClose() {
    return scenario.failedByClose();
  }

  /** Returns whether its stream must receive an end. */
  boolean streams() {
    return subscription != null && !unsubscribed;
  }

  // ---- actions of the caller

  void awaitResult() {
    generation.result().whenComplete((r, error) -> resulted(r));
    if (faults.strikes(Fault.DEPENDENT_THROWS, 12)) {
      generation
          .result()
          .thenRun(
              () -> {
                throw new LinkageError("planted");
              });
    }
  }

  private void resulted(GenerationResult r) {
    results++;
    result = r;
    scenario.log("result", id() + " " + r.finishReason() + " " + r.outputTokens());
    scenario.checkers().result(this);
  }

  void cancel() {
    markCancelled();
    generation.cancel();
  }

  private void markCancelled() {
    cancelledAtPass = Math.min(cancelledAtPass, scenario.passes());
  }

  void subscribe() {
    if (subscription == null) {
      generation.tokens().subscribe(this);
      if (faults.strikes(Fault.SECOND_SUBSCRIBER, 12)) {
        generation.tokens().subscribe(new Refused());
      }
    }
  }

  /** Requests some more tokens, or all. */
  void requestMore(boolean all) {
    if (subscription == null || unsubscribed) {
      return;
    }
    if (faults.strikes(Fault.BAD_DEMAND, 40)) {
      misused = true;
      markCancelled();
      subscription.request(-random.nextInt(2));
    }
    requestTokens(all ? Long.MAX_VALUE : 1 + random.nextInt(5));
  }

  private void requestTokens(long n) {
    demand = demand + n < 0 ? Long.MAX_VALUE : demand + n;
    subscription.request(n);
  }

  // ---- Flow.Subscriber

  @Override
  public void onSubscribe(Flow.Subscription given) {
    subscription = given;
    if (pace != Pace.SLOW) {
      requestTokens(pace == Pace.ALL ? Long.MAX_VALUE : 1);
    }
  }

  @Override
  public void onNext(Integer token) {
    nesting++;
    try {
      tokens.add(token);
      scenario.log("token", id() + " " + token);
      scenario.checkers().token(this, token);
      checkScores(token);
      if (pace == Pace.ONE_BY_ONE) {
        requestTokens(1);
      }
      misbehave();
    } finally {
      nesting--;
    }
  }

  /** The scores of a token are there with the token; a step in which another one fails has none. */
  private void checkScores(int token) {
    Optional<TokenScores> scores = generation.scores(tokens.size() - 1);
    boolean due = request.logProbabilities() >= 0;
    boolean lost = scores.isEmpty() && scenario.setting().faults().contains(Fault.Group.EXECUTOR);
    if (lost || (!due && scores.isEmpty())) {
      return;
    }
    if (scores.isEmpty()
        || scores.get().token() != token
        || scores.get().alternatives().size() != request.logProbabilities()) {
      scenario.violated("StreamIntegrity", id() + " got " + token + " with " + scores);
    }
  }

  private void misbehave() {
    if (faults.strikes(Fault.SUBSCRIBER_SUBMITS, 60)) {
      scenario.submit();
    }
    if (faults.strikes(Fault.SUBSCRIBER_CANCELS_OTHER, 100)) {
      scenario.anyClient().cancel();
    }
    if (faults.strikes(Fault.SUBSCRIBER_CLOSES, 150)) {
      scenario.close(random.nextBoolean());
    }
    if (faults.strikes(Fault.SUBSCRIBER_CANCELS, 100)) {
      unsubscribed = true;
      markCancelled();
      subscription.cancel();
    } else if (faults.strikes(Fault.SUBSCRIBER_THROWS, 120)) {
      unsubscribed = true;
      markCancelled();
      throw new IllegalStateException("planted");
    } else if (faults.strikes(Fault.SUBSCRIBER_THROWS_ERROR, 120)) {
      unsubscribed = true;
      markCancelled();
      throw new StackOverflowError("planted");
    }
  }

  @Override
  public void onError(Throwable error) {
    streamEnded(error);
  }

  @Override
  public void onComplete() {
    streamEnded(null);
  }

  private void streamEnded(Throwable error) {
    streamEnds++;
    streamError = error;
    scenario.log("end", id() + " " + (error == null ? "complete" : error.getClass()));
    scenario.checkers().streamEnded(this, error);
    if (faults.strikes(Fault.SUBSCRIBER_THROWS, 12)) {
      markCancelled();
      throw new IllegalStateException("planted");
    }
    if (faults.strikes(Fault.SUBSCRIBER_SUBMITS, 12)) {
      scenario.submit();
    }
  }

  /** A second subscriber, which must receive an error and nothing else. */
  private final class Refused implements Flow.Subscriber<Integer> {
    @Override
    public void onSubscribe(Flow.Subscription given) {
      given.request(1);
      given.cancel();
    }

    @Override
    public void onNext(Integer token) {
      scenario.violated("StreamIntegrity", "the second subscriber of " + id() + " got a token");
    }

    @Override
    public void onError(Throwable error) {}

    @Override
    public void onComplete() {
      scenario.violated("StreamIntegrity", "the second subscriber of " + id() + " was not refused");
    }
  }
}
