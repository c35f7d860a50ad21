package dev.s3llm.mutant;

import java.util.List;

/** The mutants: bugs that are planted in main code. */
final class Mutants {
  private static final String ALARMS = "engine/loop/Alarms.java";
  private static final String FINISHER = "engine/loop/SequenceFinisher.java";
  private static final String DISPLACEMENT = "engine/plan/Displacement.java";
  private static final String ENGINE = "S3Engine.java";
  private static final String EVENTS = "engine/record/EventBus.java";
  private static final String FORECAST = "memory/ForecastPlanner.java";
  private static final String GENERATION = "Generation.java";
  private static final String INBOX = "engine/loop/Inbox.java";
  private static final String INSPECTIONS = "engine/loop/Inspections.java";
  private static final String PREDICTOR = "engine/feedback/GuardedPredictor.java";
  private static final String LANE = "engine/plan/TenantLane.java";
  private static final String LAUNCHER = "engine/loop/StepLauncher.java";
  private static final String LOOP = "engine/loop/EngineLoop.java";
  private static final String PLANS = "engine/plan/PlanBuilder.java";
  private static final String PREFILLS = "engine/plan/PrefillPass.java";
  private static final String POOL = "engine/sequence/KvBlockPool.java";
  private static final String OVERTAKES = "engine/plan/Overtakes.java";
  private static final String QUEUE = "engine/plan/WaitingQueue.java";
  private static final String RESULTS = "engine/loop/StepResults.java";
  private static final String SCHEDULER = "engine/plan/ContinuousBatchingScheduler.java";
  private static final String PREFIXES = "engine/plan/SharedPrefixes.java";
  private static final String STORED = "engine/prefix/StoredBlocks.java";
  private static final String CACHE = "engine/prefix/PrefixCache.java";
  private static final String PROGRESS = "engine/sequence/Progress.java";
  private static final String SEQUENCE = "engine/sequence/Sequence.java";
  private static final String SNAPSHOTS = "engine/loop/Snapshots.java";
  private static final String STREAM = "stream/BufferedPublisher.java";
  private static final String STEP_PLAN = "engine/plan/StepPlan.java";
  private static final String TENANTS = "engine/plan/TenantQueues.java";

  /** Mutants that a checker of the scenarios must detect. */
  static final List<Mutant> OF_SCENARIOS =
      List.of(
          seen(
              "prefix-freed-while-shared",
              POOL,
              "    owners[block]--;\n",
              "    owners[block] = 0;\n",
              "Conservation",
              0),
          seen(
              "prefix-collision-accepted",
              CACHE,
              "return node != null && node.is(before, tokens, before.depth() * blockTokens) ? node"
                  + " : null;",
              "return before.firstChild;",
              "Ownership",
              0),
          seen(
              "prefix-salt-ignored",
              "engine/sequence/SequencePrefix.java",
              "    this.sharing = sharing;\n",
              "    this.sharing = new SequenceSpec.Sharing(\"\", 0, false);\n",
              "Isolation",
              0),
          seen(
              "prefix-kept-costs-nothing",
              PREFIXES,
              "    return from;\n",
              "    return prefix.length();\n",
              "Containment",
              0),
          seen(
              "mask-of-the-state-before",
              "engine/constraint/ConstraintProgress.java",
              "promptTokens + followed, promptTokens + length);",
              "promptTokens + followed, promptTokens + Math.max(followed, length - 1));",
              "Constraints",
              0),
          seen(
              "mask-stops-before-complete",
              "engine/constraint/ConstraintWork.java",
              "complete && length >= rules.leastTokens()",
              "length >= rules.leastTokens()",
              "Constraints",
              0),
          seen(
              "mask-late-is-ignored",
              SCHEDULER,
              "        && !sequence.awaitsMask()\n",
              "",
              "Constraints",
              0),
          seen(
              "mask-wakes-nobody",
              "engine/loop/MaskMaker.java",
              "        if (action != null) {\n",
              "        if (action != null && state.running.isEmpty()) {\n",
              "Liveness",
              0),
          seen(
              "scores-shifted",
              "engine/loop/ScoreReader.java",
              "next + i * width);",
              "i * width);",
              "StreamIntegrity",
              0),
          seen("leak-on-end", FINISHER, "      giveBack(deviceLease);", "", "Conservation", 0),
          seen(
              "leak-host-on-end",
              FINISHER,
              "      giveBack(hostLease);\n",
              "",
              "Conservation",
              124),
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
              "profile.blocksFor(sequence.stepEnd())",
              "profile.blocksFor(Math.max(1, sequence.stepEnd() - 1))",
              "Reservation",
              2),
          seen(
              "stalled-compute",
              SCHEDULER,
              "        && !plan.stalls(sequence)\n",
              "",
              "Containment",
              13),
          seen(
              "skip-fence",
              FINISHER,
              "    if (step == null) {\n      lease.close();",
              "    if (step == null || lease.allocated() > 0) {\n      lease.close();",
              "Fence",
              0),
          seen(
              "skip-host-fence",
              LAUNCHER,
              "    step.fence(stored);",
              "    stored.close();",
              "Fence",
              3),
          seen(
              "stay-in-queue",
              FINISHER,
              "if (from != SequenceState.PREDICTING)",
              "if (from == SequenceState.RUNNING)",
              "OnePlace",
              2),
          seen(
              "tenant-remembered",
              TENANTS,
              "      lanes.remove(idle.pollFirst().tenant());",
              "      idle.pollFirst();",
              "OnePlace",
              0),
          seen(
              "no-forced-progress",
              PLANS,
              "plan.isEmpty() && running.isEmpty()",
              "plan.isEmpty() && running.size() < 0",
              "Progress",
              2),
          seen(
              "stall-all",
              PLANS,
              "plan.stalls().size() + plan.preemptions().size() + withoutMask() + 1 <"
                  + " running.size()",
              "plan.stalls().size() < 1_000_000",
              "Progress",
              13),
          seen("stalls-kept", STEP_PLAN, "    stalls.clear();\n", "", "Progress", 13),
          seen(
              "alarm-kept",
              FINISHER,
              "    state.alarms.cancel(sequence, Alarms.Kind.DEADLINE);\n",
              "",
              "Progress",
              0),
          seen("no-wake", INBOX, "    wake.run();\n", "", "Liveness", 0),
          seen(
              "alarm-unset",
              LOOP,
              "return Math.min(intake.nextAlarmNanos(), masks.patientUntilNanos());",
              "return masks.patientUntilNanos();",
              "Deadlines",
              27),
          seen(
              "end-twice",
              FINISHER,
              "    state.counters.ended(sequence, reason, sequence.history().timing(now));\n",
              "    state.counters.ended(sequence, reason, sequence.history().timing(now));\n"
                  + "    report(sequence, sequence.outcome(reason, failure, false, now), now);\n",
              "TerminalOnce",
              0),
          seen(
              "stream-open",
              STREAM,
              "(isEmpty() ? ended : demand > 0)",
              "(isEmpty() ? ended && failure == null : demand > 0)",
              "TerminalOnce",
              4),
          seen(
              "result-lost",
              "support/CallbackGuard.java",
              "      task.run();\n",
              "",
              "TerminalOnce",
              2),
          seen(
              "queued-at-stop",
              "engine/loop/EngineRunner.java",
              "      active.step(clock); // requests that were queued meanwhile fail too\n",
              "",
              "TerminalOnce",
              42),
          seen(
              "stream-twice",
              "stream/TokenBuffer.java",
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
              1),
          seen(
              "stream-nested",
              STREAM,
              "if (draining || !deliverable())",
              "if (!deliverable())",
              "StreamIntegrity",
              12),
          seen(
              "token-twice",
              RESULTS,
              "      sequence.spec().sink().onToken(token);",
              "      sequence.spec().sink().onToken(token);\n"
                  + "      if (token == 3) sequence.spec().sink().onToken(token);",
              "Transparency",
              0),
          seen(
              "resume-short",
              PROGRESS,
              "    swappedTokens = swapped ? kvTokens : 0;",
              "    swappedTokens = swapped ? kvTokens + 1 : 0;",
              "Containment",
              3),
          seen(
              "skip-copy-in",
              LAUNCHER,
              "for (int i = sequence.adoptedBlocks(); i < blocks; i++) {\n      step.swapIn",
              "for (int i = sequence.adoptedBlocks() + 1; i < blocks; i++) {\n      step.swapIn",
              "Transparency",
              22),
          seen(
              "failed-copy-kept",
              RESULTS,
              "if (!sequence.ended() && sequence.host() != null) {",
              "if (sequence.ended() && sequence.host() != null) {",
              "Transparency",
              826),
          seen("stale-draft", FINISHER, "    state.draft.invalidate();\n", "", "Containment", 0),
          seen(
              "cancel-ignored",
              LOOP,
              "now -> cancelLive(sequenceId, now)",
              "now -> state.live.containsKey(sequenceId)",
              "Cancellation",
              0),
          seen(
              "cancel-all",
              LOOP,
              "now -> cancelLive(sequenceId, now)",
              "now -> finisher.endAll(FinishReason.CANCELLED, null, now)",
              "Cancellation",
              0),
          seen(
              "subscriber-error",
              STREAM,
              "who sees the end sees the failure, too\n      endHere();\n",
              "who sees the end sees the failure, too\n",
              "Cancellation",
              0),
          seen(
              "deadline-late",
              ALARMS,
              "if (nextNanos() > now ",
              "if (nextNanos() > now - 40 ",
              "Deadlines",
              13),
          seen(
              "deadline-early",
              ALARMS,
              "if (nextNanos() > now ",
              "if (nextNanos() > now + 40 ",
              "Deadlines",
              4),
          seen(
              "batch-failure-spreads",
              LOOP,
              "    if (error instanceof ExecutorLostException) {",
              "    if (error != null) {",
              "Containment",
              12),
          seen(
              "loss-ignored",
              LOOP,
              "    if (error instanceof ExecutorLostException) {",
              "    if (error instanceof ExecutorLostException && now < 0) {",
              "Containment",
              61),
          seen(
              "predictor-error",
              PREDICTOR,
              "catch (Throwable e) {\n      return CompletableFuture",
              "catch (RuntimeException e) {\n      return CompletableFuture",
              "Containment",
              4),
          seen(
              "refresh-error",
              PREDICTOR,
              "catch (Throwable e) {\n      return null",
              "catch (RuntimeException e) {\n      return null",
              "Containment",
              808),
          seen(
              "feedback-error",
              PREDICTOR,
              "catch (Throwable e) {\n      return false",
              "catch (RuntimeException e) {\n      return false",
              "Containment",
              7),
          seen(
              "listener-error",
              EVENTS,
              "Guard.run(() -> listener.onEvent(event))",
              "null;\n    listener.onEvent(event)",
              "TerminalOnce",
              0),
          seen(
              "late-uncounted",
              LOOP,
              "      state.counters.ignoredCompletions++;\n",
              "",
              "LateCompletions",
              2),
          seen(
              "late-applied",
              LOOP,
              "step == null || step.number() != number",
              "step == null",
              "Reservation",
              2),
          seen(
              "unbounded-preemption",
              "engine/sequence/PreemptionRecord.java",
              "outgrown >= limit",
              "outgrown > limit",
              "PreemptionBound",
              196),
          seen("drop-age", QUEUE, "bound - age", "bound", "StarvationBound", 41),
          seen(
              "no-overdue",
              OVERTAKES,
              "node.least + change <= 0",
              "node.least + change <= -50",
              "StarvationBound",
              6),
          seen(
              "snapshot-lies",
              SNAPSHOTS,
              "            state.device.reserved(),\n",
              "            state.device.allocated(),\n",
              "SnapshotTruth",
              2),
          seen(
              "closed-under-a-step",
              ENGINE,
              "    if (stepEnded) {\n",
              "    if (stepEnded || loop.stepInFlight()) {\n",
              "Shutdown",
              28),
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
              54),
          seen(
              "close-interrupted",
              ENGINE,
              "      Thread.currentThread().interrupt(); // an interrupted",
              "      Thread.currentThread().interrupt();\n"
                  + "      runner.stop();\n"
                  + "      if (!closeTimeout.isZero()) return false; // an interrupted",
              "Shutdown",
              4),
          seen(
              "accepts-after-close",
              ENGINE,
              "    if (closed) {\n      throw",
              "    if (closed && clock.getAsLong() % 2 == 0) {\n      throw",
              "Refusal",
              11),
          seen(
              "queue-unbounded",
              "engine/plan/TenantPlaces.java",
              "taken >= limit ||",
              "taken + 1 >= limit ||",
              "Refusal",
              3),
          seen(
              "place-free-early",
              GENERATION,
              "    buffer.deliver();\n",
              "    onEnd.accept(this);\n    buffer.deliver();\n",
              "Refusal",
              1),
          seen(
              "canvas-cut",
              SCHEDULER,
              "          plan.compute(sequence, Math.max(least, Math.min(tokens,"
                  + " plan.tokensLeft())));\n"
                  + "        } else {",
              "          plan.compute(sequence, Math.max(1, Math.min(tokens,"
                  + " plan.tokensLeft())));\n"
                  + "        } else {",
              "Transparency",
              0),
          seen(
              "input-cut",
              PROGRESS,
              "wholePrompt ? promptTokens - computed : 1",
              "1",
              "Reservation",
              0),
          seen(
              "preempted-unreleased",
              LAUNCHER,
              "      state.released(victim);\n",
              "",
              "Release",
              3),
          seen("ended-unreleased", FINISHER, "      releaseState(sequence);\n", "", "Release", 0),
          seen(
              "released-in-a-step",
              FINISHER,
              "if (step == null) {\n      state.released(sequence);",
              "if (step == null || step.number() >= 0) {\n      state.released(sequence);",
              "Release",
              1),
          seen(
              "lost-copy-unreleased",
              RESULTS,
              "    sequence.dropSwapped();\n    state.released(sequence);\n",
              "    sequence.dropSwapped();\n",
              "Release",
              163),
          seen(
              "tokens-after-the-stop",
              RESULTS,
              "i < first + count && !sequence.ended()",
              "i < first + count",
              "SnapshotTruth",
              6),
          seen(
              "counts-ignored",
              RESULTS,
              "      first += count;\n",
              "      first += sequence.samples() ? 1 : 0;\n",
              "Transparency",
              11),
          seen(
              "stale-canvas-draft",
              RESULTS,
              "sequence.stepped(count, result.slots(i), result.stepsLeft(i))) {\n"
                  + "            state.draft.invalidate();",
              "sequence.stepped(count, result.slots(i), result.stepsLeft(i))) {",
              "Transparency",
              0),
          seen(
              "slots-unchecked",
              "engine/loop/StepProtocol.java",
              "slots > sequence.worstCaseTokens()",
              "slots > sequence.worstCaseTokens() + 1",
              "Containment",
              106),
          seen(
              "order-by-chance",
              QUEUE,
              "policy.rank(sequence, admissionBlocks)",
              "policy.rank(sequence, admissionBlocks) + (System.nanoTime() & 1)",
              "Determinism",
              40));

  /** Mutants that the unit test of the changed part must detect. */
  static final List<Mutant> OF_TESTS =
      List.of(
          caught(
              "displaced-for-ever",
              DISPLACEMENT,
              "sequence.displacements() < policy.maxDisplacements()",
              "true",
              "DisplacementTest#longRequest_givesWayOnceAtMost"),
          caught(
              "displaced-against-its-target",
              DISPLACEMENT,
              "        && tokenTime.mayPause(sequence)\n",
              "",
              "DisplacementTest#runningRequestWithATargetForItsTokens_keepsItsPlace"),
          caught(
              "displaced-in-vain",
              DISPLACEMENT,
              "!joinsAnyway && fits(candidate, without, without.availableBlocks())",
              "!joinsAnyway",
              "DisplacementTest#requestThatWouldNotFitInItsPlace_displacesNobody"),
          caught(
              "displaced-without-need",
              DISPLACEMENT,
              "!joinsAnyway && fits(candidate, without, without.availableBlocks())",
              "fits(candidate, without, without.availableBlocks())",
              "DisplacementTest#requestThatFitsAnyway_displacesNobody"),
          caught(
              "displaced-whatever-the-tenant",
              TENANTS,
              "lane(running).served() > lane(candidate).served()",
              "true",
              "DisplacementTest#otherTenants_giveWayOnlyIfTheyHadMore"),
          caught(
              "displaced-slot-lost",
              SCHEDULER,
              "running.size() - plan.preemptions().size() - plan.work().size()",
              "running.size() - plan.work().size()",
              "DisplacementTest#shortRequest_takesThePlaceOfALongOne_whichGoesOnWithTheSameTokens"),
          caught(
              "ageing-forgotten",
              "schedule/ShortestRemainingFirst.java",
              "ageingPerTurn * sequence.queueTurns()",
              "0 * ageingPerTurn * sequence.queueTurns()",
              "engine.plan.SchedulingPoliciesTest#shortestRemaining_comparesRootsThatFallWithEachTurn"),
          caught(
              "turn-at-each-admission",
              QUEUE,
              "turns += 1.0 / (size() + 1);",
              "turns += 1.0;",
              "engine.plan.WaitingQueueTest#turn_isAsManyAdmissionsAsSequencesWait"),
          caught(
              "younger-after-preemption",
              SEQUENCE,
              "queueTurns == NOT_QUEUED ? turns : queueTurns",
              "turns",
              "engine.sequence.SequenceViewTest#waits_addUp_andStopWhileItRuns"),
          caught(
              "estimate-of-all-waiting",
              QUEUE,
              "expectedTokens - entry.expectedTokens - tokensBehind",
              "expectedTokens - entry.expectedTokens",
              "engine.plan.WaitingQueueTest#tokensBefore_areThoseOfTheSequencesServedFirst"),
          caught(
              "estimate-without-overdue",
              QUEUE,
              "ORDER.compare(overdue, entry) > 0",
              "ORDER.compare(overdue, entry) == 0",
              "engine.plan.WaitingQueueTest#tokensBefore_areThoseOfTheSequencesServedFirst"),
          caught(
              "prefill-without-quarter",
              PREFILLS,
              "room / SHARES",
              "room / (100 * SHARES)",
              "engine.plan.ContinuousBatchingSchedulerTest#shortestPrefill_comesFirstButTheOldestKeepsAQuarter"),
          caught(
              "prefill-of-any-length",
              PREFILLS,
              "if (tokens < shortest) {",
              "if (tokens > 0 * shortest) {",
              "engine.plan.ContinuousBatchingSchedulerTest#fourPrefillsUnderWay_areNotJoinedByALongerOne"),
          caught(
              "trace-uncounted",
              "simulate/TraceRecorder.java",
              "      recorded += requests;\n",
              "",
              "simulate.TraceRecorderTest#fileThatCannotBeWritten_stopsTheRecording_andNeverThrows"),
          caught(
              "revision-fed-back",
              SEQUENCE,
              "    revised = bounded(length);",
              "    prediction = bounded(length);",
              "RevisionTest#runningAnswer_isRevisedAtEachInterval_andTheFeedbackIsAboutThePrompt"),
          caught(
              "growth-by-a-block",
              "engine/plan/Termination.java",
              "2 * Math.max(1, covered)",
              "Math.max(1, covered)",
              "CanvasTest#staticCache_growsByTwiceAtLeast"),
          caught(
              "back-with-as-much",
              SEQUENCE,
              "Math.max(needed, promptTokens() + preemptions.outputFloorTokens())",
              "needed",
              "CanvasTest#canvasThatMayNotGrow_startsOverWithTwiceAtLeast"),
          caught(
              "canvas-swapped",
              SEQUENCE,
              "return !canvas();",
              "return true;",
              "CanvasTest#canvasThatMayNotGrow_startsOverWithTwiceAtLeast"),
          caught(
              "canvas-unlearned",
              FINISHER,
              "int used = sequence.outputSlots();",
              "int used = sequence.committedTokens();",
              "CanvasTest#predictor_learnsTheSlotsOfTheCanvas"),
          caught(
              "silence-allowed",
              RESULTS,
              "sequence.silentSteps() > Termination",
              "-sequence.silentSteps() > Termination",
              "CanvasTest#executorThatCommitsNothingForEver_failsTheRequest"),
          caught(
              "turn-forgotten",
              SCHEDULER,
              "    plan.leftOut().forEach(s -> s.setLeftOut(true));\n",
              "",
              "engine.plan.ContinuousBatchingSchedulerTest#canvas_isComputedWholeAndEachHasItsTurn"),
          caught(
              "pass-for-nothing",
              "engine/plan/TokenTimeGuard.java",
              "passed += decoding ? sequence.stepTokens() : 0",
              "passed += decoding ? 1 : 0",
              "engine.plan.TokenTimeGuardTest#canvas_countsWithItsPositionsAndItsTokensPerPass"),
          caught(
              "canvas-for-ever",
              "memory/UsageForecast.java",
              "boolean held = HORIZONS[j] < left;",
              "boolean held = HORIZONS[j] < 2 * left;",
              "memory.UsageForecastTest#canvas_holdsItsSlotsForItsPasses"),
          caught(
              "canvas-grows",
              "memory/FuturePeak.java",
              "(sequences[i] & CANVAS) == 0",
              "(sequences[i] & CANVAS) >= 0",
              "memory.FuturePeakTest#canvas_holdsTheSameSlotsUntilItEnds"),
          caught(
              "exact-for-ever",
              FORECAST,
              "doubtTokens == 0 && forecast.exact()",
              "forecast.exact()",
              "memory.ForecastPlannerTest#exactLengthsThatProvedWrong_areDoubtedUntilTheLossIsMadeUpFor"),
          caught(
              "margin-deaf",
              FORECAST,
              "    margin.observe(",
              "    if (mostLost > 1) margin.observe(",
              "memory.ForecastPlannerTest#preemptions_raiseTheMarginAndQuietLowersIt"),
          caught(
              "hopeless-target-kept",
              "engine/plan/TokenTimeGuard.java",
              "step < nanosAlone",
              "step < 0 * nanosAlone",
              "engine.plan.TokenTimeGuardTest#canvasTargetMissedEvenAlone_limitsNothing"),
          caught(
              "target-unkept",
              "engine/plan/TokenTimeGuard.java",
              "return fixed + Math.max(least, room)",
              "return most + 0 * Math.max(least, room)",
              "simulate.TokenTimeTest#tokenTime_isKeptByMostRequests"),
          caught(
              "queue-unseen",
              QUEUE,
              "    expectedTokens += entry.expectedTokens;\n",
              "",
              "simulate.LatencyEstimateTest#shortRequests_haveShortEstimates_whereTheyGoFirst"),
          caught(
              "losses-unreported",
              "engine/loop/StepWork.java",
              "lostTokens += tokens;",
              "lostTokens += 0;",
              "simulate.ForecastSimulationTest#reportedStepCosts_addUpToTheResultOfTheRun"),
          caught(
              "swaps-as-dear",
              LAUNCHER,
              "swap ? profile.recoveryCosts().swapTokens(kvTokens, blocks) : kvTokens",
              "kvTokens",
              "simulate.ForecastSimulationTest#cheapSwaps_letThePlannerPackTighter"),
          caught(
              "share-uncorrected",
              LANE,
              "settled += actual / weight",
              "settled += charge / weight",
              "engine.plan.TenantQueuesTest#wrongPredictions_areCorrectedByWhatCame"),
          caught(
              "idle-saves-up",
              LANE,
              "Math.max(settled, start)",
              "Math.max(settled, start - 1e9)",
              "engine.plan.TenantQueuesTest#idleTenant_savesNothingUp"),
          caught(
              "time-stands-still",
              TENANTS,
              "virtualTime += actual / liveWeight",
              "virtualTime += 0 * actual / liveWeight",
              "engine.plan.TenantQueuesTest#newcomersWithoutEnd_doNotStarveWhoWasServedBefore"),
          caught(
              "charged-again",
              TENANTS,
              "        ? 0\n",
              "        ? service(sequence.promptTokens(), 1)\n",
              "engine.plan.TenantQueuesTest#preemptedSequence_isChargedOnce"),
          caught(
              "share-unkept",
              "engine/plan/TenantPlaces.java",
              "!belowShare(tenant)",
              "!belowShare(\"\")",
              "engine.plan.TenantPlacesTest#tenantThatComesLater_findsPlaces"),
          caught(
              "thinking-never-ends",
              "engine/sequence/Phases.java",
              "        end(committed, close.size());\n",
              "        end(-1, close.size());\n",
              "ThinkingTest#lengthsOfThinkingAndAnswer_areObservedApart"),
          caught(
              "thinking-in-the-answer",
              "engine/sequence/Phases.java",
              "lengths.answer().after(thinkingTokens)",
              "lengths.whole()",
              "ThinkingTest#oneHundredTokensOfThinking_leaveTheAnswerAlone"),
          caught(
              "budget-uncensored",
              "engine/sequence/Phases.java",
              "boolean cut = over ? cutOff : censored;",
              "boolean cut = !over && censored;",
              "ThinkingTest#thinkingThatItsBudgetEnds_isCensored_andItsAnswerIsNot"),
          caught(
              "constraint-for-ever",
              "engine/loop/MaskMaker.java",
              "        own.abandon(work);\n",
              "        own.exhausted();\n",
              "TokenConstraintTest#constraintThatDoesNotReturn_failsItsRequestAlone_andItsThreadIsReplaced"),
          caught(
              "snapshot-behind",
              FINISHER,
              "      state.publishSnapshot(); // whoever has the result sees a snapshot without the"
                  + " request\n",
              "",
              "SnapshotAfterResultTest"),
          caught(
              "clock-before-inbox",
              LOOP,
              "      int commands = inbox.queued();\n      now = clock.getAsLong();\n",
              "      now = clock.getAsLong();\n      int commands = inbox.queued();\n",
              "engine.loop.PassTimeTest#requestThatComesWhileTheClockIsRead_isNotQueuedBeforeItsSubmission"),
          caught(
              "aged-by-everybody",
              OVERTAKES,
              "merge(plus(at.before, -1), split(at.rest, id + 1).rest)",
              "plus(merge(at.before, split(at.rest, id + 1).rest), -1)",
              "engine.plan.WaitingQueueTest#sequence_isAsOldAsLaterArrivalsWereAdmittedBeforeIt"),
          caught(
              "plan-ages-nobody",
              "engine/plan/Candidates.java",
              "overtakes.admitted(sequence.sequenceId())",
              "overtakes.without(sequence.sequenceId())",
              "engine.plan.TenantQueuesTest#onePlan_admitsWhomSingleAdmissionsWould"),
          caught(
              "one-bound-for-all",
              QUEUE,
              "policy.maxOvertakes(sequence)",
              "policy.maxOvertakes()",
              "engine.plan.SchedulingPoliciesTest#shortRequest_goesFirstWhenItsOwnBoundIsReached"),
          caught(
              "stream-unbegun",
              STREAM,
              "      if (!accepted) {\n",
              "      if (!accepted && demand < 0) {\n",
              "TokenStreamTest#subscriberThatThrowsWhenItIsTaken_isNotCalledAgainAndCancels"),
          caught(
              "stream-broken",
              STREAM,
              "        broken(e);\n",
              "        throw e;\n",
              "stream.BufferedPublisherTest#itemThatCannotBeTaken_endsTheStreamAndCancels"),
          caught(
              "reason-forgotten",
              "engine/sequence/RequestHistory.java",
              "    deferral = reason;\n",
              "",
              "engine.loop.ExplanationTest#whoWaits_learnsForHowLongAndWhy"),
          caught(
              "inspect-one-block",
              INSPECTIONS,
              "blocks[i] = lease.block(i);",
              "blocks[i] = lease.block(0);",
              "engine.loop.InspectionTest#blocks_areThoseOfTheLedgerInEveryPass"),
          caught(
              "prefix-found-by-key-alone",
              "engine/prefix/PrefixNode.java",
              "parent == before\n"
                  + "        && Arrays.equals(tokens, 0, tokens.length, others, from, from +"
                  + " tokens.length)",
              "parent == before",
              "engine.prefix.PrefixCacheTest#randomUse_findsOnlyWhatWasWritten"),
          caught(
              "prefix-computed-side-by-side",
              PREFIXES,
              "    if (next + common > most) {\n",
              "    if (next + common > 0) {\n",
              "PrefixSharingTest#severalAnswers_computeTheirPromptOnce"),
          caught(
              "prefix-older-than-allowed",
              CACHE,
              "clock.getAsLong() - entry.sinceNanos >= longestAgeNanos",
              "entry.sinceNanos < 0",
              "PrefixSharingTest#keptBlocks_haveALongestAge"),
          caught(
              "prefix-left-by-a-failure",
              PREFIXES,
              "    prefix.fail();\n",
              "",
              "PrefixSharingTest#failedStep_leavesNothingOfRequestsThatComputedTheSame"),
          caught(
              "prefix-stale-after-a-failure",
              PREFIXES,
              "      cache.drop(prefix.node(0));\n",
              "",
              "PrefixSharingTest#failedStep_leavesNothingOfRequestsThatComputedTheSame"),
          caught(
              "prefix-handed-out-twice",
              CACHE,
              "      takeFromOrder(node);\n      node.kept = false;\n",
              "      node.kept = false;\n",
              "engine.prefix.PrefixCacheTest#randomUse_findsOnlyWhatWasWritten"),
          caught(
              "prefix-with-the-last-token",
              PREFIXES,
              "    int most = (waiting.contextTokens() - 1) / prefix.blockTokens();\n"
                  + "    prefix.know",
              "    int most = waiting.contextTokens() / prefix.blockTokens();\n    prefix.know",
              "PrefixSharingTest#tenants_doNotShare_unlessTheyNameTheSameSalt"),
          caught(
              "prefix-stored-by-a-failed-step",
              STORED,
              "boolean findable = succeeded && stored.held",
              "boolean findable = stored.held",
              "StoredPrefixTest#failedStep_storesNothing"),
          caught(
              "prefix-stored-room-taken-while-read",
              STORED,
              "      if (stored.readers == 0) {\n        oldest.remove();",
              "      if (stored.readers >= 0) {\n        oldest.remove();",
              "engine.prefix.StoredBlocksTest#roomOfABlockThatIsRead_isNotTaken"),
          caught(
              "prefix-stored-after-other-tokens",
              "engine/prefix/PrefixNode.java",
              "        && sameChain(parent, before);",
              "        && parent != null;",
              "engine.prefix.StoredBlocksTest#equalKeyWithOtherTokens_isNotFound"),
          caught(
              "prefix-stored-of-a-dropped-scope",
              CACHE,
              "    stored.dropScope(scope);\n",
              "",
              "StoredPrefixTest#forgottenTenant_isNotFoundInHostMemory"),
          caught(
              "prefix-shared-is-freed",
              STEP_PLAN,
              "grownBlocks(sequence) - sequence.sharedBlocks();",
              "grownBlocks(sequence);",
              "PrefixSharingTest#preemptionFreesOnlyWhatNobodyShares"),
          caught(
              "inspect-without-end",
              INSPECTIONS,
              "      if (pending != null) {\n",
              "      if (pending != null && pending.isDone()) {\n",
              "engine.loop.InspectionTest#whileTheLoopHangs_questionsShareOneAnswer"));

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
