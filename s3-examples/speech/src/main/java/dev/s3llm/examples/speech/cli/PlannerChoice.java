package dev.s3llm.examples.speech.cli;

import dev.s3llm.EngineBuilder;
import dev.s3llm.memory.ForecastPlanner;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.memory.S3Planner;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.recover.Recovery;

/** Memory planners, each with its own recovery. */
enum PlannerChoice {
  WORST_CASE("worst-case", Recovery.Victim.OUTGROWN),
  S3("s3", Recovery.Victim.OUTGROWN),
  ON_DEMAND("on-demand", Recovery.Victim.NEWEST),
  FORECAST("forecast", Recovery.Victim.CHEAPEST);

  private final String label;
  private final Recovery.Victim victim;

  PlannerChoice(String label, Recovery.Victim victim) {
    this.label = label;
    this.victim = victim;
  }

  private MemoryPlanner planner() {
    return switch (this) {
      case WORST_CASE -> new WorstCasePlanner();
      case S3 -> new S3Planner();
      case ON_DEMAND -> new OnDemandPlanner();
      case FORECAST -> new ForecastPlanner();
    };
  }

  /** Sets planner and recovery of an engine. */
  void apply(EngineBuilder engine) {
    Recovery hasty = Recovery.preempting(victim);
    engine.planner(planner()).recovery(this == FORECAST ? hasty.patient() : hasty);
  }

  @Override
  public String toString() {
    return label;
  }
}
