package dev.s3llm.mutant;

import java.util.List;

/** The bugs that are planted. */
final class Mutants {
  private static final String ALARMS = "engine/Alarms.java";
  private static final String ENDINGS = "engine/Endings.java";
  private static final String ENGINE = "S3Engine.java";
  private static final String EVENTS = "engine/EventBus.java";
  private static final String FORECAST = "memory/ForecastPlanner.java";
  private static final String GENERATION = "Generation.java";
  private static final String INBOX = "engine/Inbox.java";
  private static final String INSPECTIONS = "engine/Inspections.java";
  private static final String INTAKE = "engine/Intake.java";
  private static final String LAUNCHER = "engine/StepLauncher.java";
  private static final String LOOP = "engine/EngineLoop.java";
  private static final String PLANS = "engine/PlanBuilder.java";
  private static final String POOL = "memory/KvBlockPool.java";
  private static final String QUEUE = "schedule/WaitingQueue.java";
  private static final String RESULTS = "engine/StepResults.java";
  private static final String SCHEDULER = "schedule/ContinuousBatchingScheduler.java";
  private static final String SEQUENCE = "engine/Sequence.java";
  private static final String STATE = "engine/EngineState.java";
  private static final String STREAM = "stream/BufferedPublisher.java";
  private static final String STEP_PLAN = "schedule/StepPlan.java";
  private static final String TENANTS = "schedule/TenantQueues.java";

  /** Seen by a checker of the scenarios, which is named. */
  static final List<Mutant> OF_SCENARIOS =
      List.of(
          seen("leak-on-end", ENDINGS, "      giveBack(deviceLease);", "", "Conservation", 0),
          seen(
              "leak-host-on-end", ENDINGS, "      giveBack(hostLease);\n", "", "Conservation", 121),
          seen(
              "double-owner",
              POOL,
              "blocks[count++] = block;",
              "blocks[count++] = block > 3 ? block - 1 : block;",
              "Ownership",
              0),
          seen(
              "allocate-short",
              LAUNCHER,
              "profile.blocksFor(sequence.kvTokens())",
              "profile.blocksFor(Math.max(1, sequence.kvTokens() - 1))",
              "Reservation",
              0),
          seen(
              "stalled-compute",
              SCHEDULER,
              "        && !plan.stalls(sequence)\n",
              "",
              "Containment",
              1),
          seen(
              "skip-fence",
              ENDINGS,
              "    if (step == null) {\n      lease.close();",
              "    if (step == null || lease.allocated() > 0) {\n      lease.close();",
              "Fence",
              0),
          seen(
              "skip-host-fence",
              LAUNCHER,
              "    step.fenced.add(stored);",
              "    stored.close();",
              "Fence",
              2),
          seen(
              "stay-in-queue",
              ENDINGS,
              "if (from == SequenceState.WAITING || from == SequenceState.RUNNING)",
              "if (from == SequenceState.RUNNING)",
              "OnePlace",
              8),
          seen(
              "tenant-remembered",
              TENANTS,
              "      lanes.remove(idle.pollFirst().tenant);",
              "      idle.pollFirst();",
              "OnePlace",
              5),
          seen(
              "no-forced-progress",
              PLANS,
              "plan.isEmpty() && running.isEmpty()",
              "plan.isEmpty() && running.size() < 0",
              "Progress",
              15),
          seen(
              "stall-all",
              PLANS,
              "plan.stalls().size() + plan.preemptions().size() + 1 < running.size()",
              "plan.stalls().size() < 1_000_000",
              "Progress",
              1),
          seen("stalls-kept", STEP_PLAN, "    stalls.clear();\n", "", "Progress", 1),
          seen(
              "alarm-kept",
              ENDINGS,
              "    state.alarms.cancel(sequence, Alarms.Kind.DEADLINE);\n",
              "",
              "Progress",
              26),
          seen("no-wake", INBOX, "    wake.run();\n", "", "Liveness", 0),
          seen(
              "alarm-unset",
              LOOP,
              "return intake.nextAlarmNanos();",
              "return Long.MAX_VALUE;",
              "Deadlines",
              8),
          seen(
              "end-twice",
              ENDINGS,
              "    state.counters.ended(reason);\n",
              "    state.counters.ended(reason);\n    tell(sequence, sequence.outcome(reason, failure, false, now), now);\n",
              "TerminalOnce",
              0),
          seen(
              "stream-open",
              STREAM,
              "(isEmpty() ? ended : demand > 0)",
              "(isEmpty() ? ended && failure == null : demand > 0)",
              "TerminalOnce",
              0),
          seen(
              "result-lost",
              GENERATION,
              "catch (Throwable e) { // it refuses",
              "catch (java.util.concurrent.RejectedExecutionException e) { // it refuses",
              "TerminalOnce",
              37),
          seen(
              "queued-at-stop",
              "engine/EngineRunner.java",
              "      active.step(clock.getAsLong()); // what was queued meanwhile fails too\n",
              "",
              "TerminalOnce",
              296),
          seen(
              "stream-twice",
              "TokenBuffer.java",
              "return tokens[delivered++];",
              "return tokens[delivered == 3 ? delivered++ - 1 : delivered++];",
              "StreamIntegrity",
              0),
          seen(
              "demand-ignored",
              STREAM,
              "(isEmpty() ? ended : demand > 0)",
              "(!isEmpty() || ended)",
              "StreamIntegrity",
              0),
          seen(
              "stream-nested",
              STREAM,
              "if (draining || !deliverable())",
              "if (!deliverable())",
              "StreamIntegrity",
              8),
          seen(
              "token-twice",
              RESULTS,
              "      sequence.spec().sink().onToken(token);",
              "      sequence.spec().sink().onToken(token);\n      if (token == 3) sequence.spec().sink().onToken(token);",
              "Transparency",
              0),
          seen(
              "resume-short",
              SEQUENCE,
              "    swappedTokens = swapped ? kvTokens : 0;",
              "    swappedTokens = swapped ? kvTokens + 1 : 0;",
              "Containment",
              3),
          seen(
              "skip-copy-in",
              LAUNCHER,
              "for (int i = 0; i < blocks; i++) {\n      swapIns.add",
              "for (int i = 1; i < blocks; i++) {\n      swapIns.add",
              "Transparency",
              2),
          seen(
              "failed-copy-kept",
              RESULTS,
              "if (!sequence.ended() && copy != null) {",
              "if (sequence.ended() && copy != null) {",
              "Transparency",
              1397),
          seen("stale-draft", ENDINGS, "    state.drafted = false;\n", "", "Containment", 0),
          seen(
              "cancel-ignored",
              LOOP,
              "now -> endings.end((Sequence) sequence, FinishReason.CANCELLED, null, now)",
              "now -> ((Sequence) sequence).ended()",
              "Cancellation",
              0),
          seen(
              "cancel-all",
              LOOP,
              "now -> endings.end((Sequence) sequence, FinishReason.CANCELLED, null, now)",
              "now -> endings.endAll(FinishReason.CANCELLED, null, now)",
              "Cancellation",
              0),
          seen(
              "subscriber-error",
              STREAM,
              "to.onComplete();\n      }\n    } catch (Throwable e) {\n      endHere();",
              "to.onComplete();\n      }\n    } catch (Throwable e) {\n      e.fillInStackTrace();",
              "Cancellation",
              131),
          seen(
              "deadline-late",
              ALARMS,
              "if (nextNanos() > now ",
              "if (nextNanos() > now - 40 ",
              "Deadlines",
              0),
          seen(
              "deadline-early",
              ALARMS,
              "if (nextNanos() > now ",
              "if (nextNanos() > now + 40 ",
              "Deadlines",
              0),
          seen(
              "batch-failure-spreads",
              LOOP,
              "    if (error instanceof ExecutorLostException) {",
              "    if (error != null) {",
              "Containment",
              9),
          seen(
              "loss-ignored",
              LOOP,
              "    if (error instanceof ExecutorLostException) {",
              "    if (error instanceof ExecutorLostException && now < 0) {",
              "Containment",
              19),
          seen(
              "predictor-error",
              INTAKE,
              "catch (Throwable e) {\n      return CompletableFuture",
              "catch (RuntimeException e) {\n      return CompletableFuture",
              "Containment",
              0),
          seen(
              "refresh-error",
              STATE,
              "catch (Throwable e)",
              "catch (RuntimeException e)",
              "Containment",
              21),
          seen(
              "feedback-error",
              "recover/Supervisor.java",
              "catch (Throwable e)",
              "catch (RuntimeException e)",
              "Containment",
              11),
          seen(
              "listener-error",
              EVENTS,
              "    } catch (Throwable e) {\n      if",
              "    } catch (RuntimeException e) {\n      if",
              "TerminalOnce",
              108),
          seen(
              "late-uncounted",
              LOOP,
              "      state.counters.ignoredCompletions++;\n",
              "",
              "LateCompletions",
              4),
          seen(
              "late-applied",
              LOOP,
              "step == null || step.step != number",
              "step == null",
              "Reservation",
              4),
          seen(
              "unbounded-preemption",
              SEQUENCE,
              "preemptions >= maxPreemptions",
              "preemptions > maxPreemptions",
              "PreemptionBound",
              390),
          seen("drop-age", QUEUE, "admissions - age", "admissions", "StarvationBound", 2),
          seen(
              "no-overdue",
              QUEUE,
              "while (admissionsUntilOverdue() <= 0)",
              "while (admissionsUntilOverdue() <= -50)",
              "StarvationBound",
              2),
          seen(
              "snapshot-lies",
              STATE,
              "        device.reserved(),\n",
              "        device.allocated(),\n",
              "SnapshotTruth",
              0),
          seen(
              "closed-under-a-step",
              ENGINE,
              "    if (stepEnded) {\n",
              "    if (stepEnded || loop.stepInFlight()) {\n",
              "Shutdown",
              32),
          seen(
              "predictor-open",
              ENGINE,
              "    closer.close(\"the predictor\", predictor::close);\n",
              "",
              "Shutdown",
              0),
          seen(
              "close-unbounded",
              ENGINE,
              "runner.join(Nanos.of(closeTimeout))",
              "runner.join(TimeUnit.HOURS.toNanos(1))",
              "Shutdown",
              201),
          seen(
              "close-interrupted",
              ENGINE,
              "      Thread.currentThread().interrupt(); // whoever",
              "      Thread.currentThread().interrupt();\n      runner.stop();\n      if (!closeTimeout.isZero()) return false; // whoever",
              "Shutdown",
              54),
          seen(
              "accepts-after-close",
              ENGINE,
              "    if (closed) {\n      throw",
              "    if (closed && clock.nanos() % 2 == 0) {\n      throw",
              "Refusal",
              18),
          seen(
              "queue-unbounded",
              "LiveGenerations.java",
              "live.size() >= limit",
              "live.size() + 1 >= limit",
              "Refusal",
              3),
          seen(
              "place-free-early",
              GENERATION,
              "    try {\n      buffer.deliver();",
              "    onEnd.accept(this);\n    try {\n      buffer.deliver();",
              "Refusal",
              0),
          seen(
              "order-by-chance",
              QUEUE,
              "order.rank(sequence, admissionBlocks)",
              "order.rank(sequence, admissionBlocks) + (System.nanoTime() & 1)",
              "Determinism",
              40));

  /** Seen by the test of the part that is broken. */
  static final List<Mutant> OF_TESTS =
      List.of(
          caught(
              "exact-for-ever",
              FORECAST,
              "doubtTokens == 0 && forecast.exact()",
              "forecast.exact()",
              "memory.ForecastPlannerTest"),
          caught(
              "margin-deaf",
              FORECAST,
              "    margin.observe(",
              "    if (mostLost > 1) margin.observe(",
              "memory.ForecastPlannerTest"),
          caught(
              "target-unkept",
              "engine/TokenTimeGuard.java",
              "return decodes + Math.max(least, room)",
              "return most + 0 * Math.max(least, room)",
              "simulate.TokenTimeTest"),
          caught(
              "queue-unseen",
              QUEUE,
              "    expectedTokens += entry.expectedTokens;\n",
              "",
              "simulate.LatencyEstimateTest"),
          caught(
              "losses-untold",
              LAUNCHER,
              "step.lostTokens += kvTokens;",
              "step.lostTokens += 0;",
              "simulate.ForecastSimulationTest"),
          caught(
              "swaps-as-dear",
              LAUNCHER,
              "swap ? profile.recoveryCosts().swapTokens(kvTokens, blocks) : kvTokens",
              "kvTokens",
              "simulate.ForecastSimulationTest"),
          caught(
              "share-uncorrected",
              TENANTS,
              "lane.settled += actual / lane.weight",
              "lane.settled += charge / lane.weight",
              "schedule.TenantQueuesTest"),
          caught(
              "idle-saves-up",
              TENANTS,
              "Math.max(lane.settled, start())",
              "Math.max(lane.settled, start() - 1e9)",
              "schedule.TenantQueuesTest"),
          caught(
              "time-stands-still",
              TENANTS,
              "virtualTime += actual / liveWeight",
              "virtualTime += 0 * actual / liveWeight",
              "schedule.TenantQueuesTest"),
          caught(
              "charged-again",
              TENANTS,
              "        ? 0\n",
              "        ? service(sequence.promptTokens(), 1)\n",
              "schedule.TenantQueuesTest"),
          caught(
              "one-bound-for-all",
              QUEUE,
              "order.maxOvertakes(sequence)",
              "order.maxOvertakes()",
              "schedule.QueueOrdersTest"),
          caught(
              "stream-unbegun",
              STREAM,
              "      endHere();\n      throw e;\n",
              "      throw e;\n",
              "TokenStreamTest"),
          caught(
              "stream-broken",
              STREAM,
              "        broken(e);\n",
              "        throw e;\n",
              "stream.BufferedPublisherTest"),
          caught(
              "reason-forgotten",
              "engine/RequestHistory.java",
              "    deferral = reason;\n",
              "",
              "engine.ExplanationTest"),
          caught(
              "inspect-one-block",
              INSPECTIONS,
              "blocks[i] = lease.block(i);",
              "blocks[i] = lease.block(0);",
              "engine.InspectionTest"),
          caught(
              "inspect-without-end",
              INSPECTIONS,
              "      if (asked != null) {\n",
              "      if (asked != null && asked.isDone()) {\n",
              "engine.InspectionTest"));

  private Mutants() {}

  private static Mutant seen(
      String name, String file, String old, String replacement, String checker, long seed) {
    return new Mutant(name, file, old, replacement, checker, seed);
  }

  private static Mutant caught(
      String name, String file, String old, String replacement, String test) {
    return new Mutant(name, file, old, replacement, test, 0);
  }
}
