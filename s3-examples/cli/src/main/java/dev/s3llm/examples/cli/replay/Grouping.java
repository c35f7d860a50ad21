package dev.s3llm.examples.cli.replay;

import dev.s3llm.simulate.SimulationResult;
import dev.s3llm.simulate.SimulationResult.Group;
import java.util.List;
import java.util.Locale;

/** A way to group the requests of a run. */
enum Grouping {
  /** By class of output lengths. */
  LENGTH,
  /** By tenant. */
  TENANT;

  /** Returns the groups of a run. */
  List<Group> of(SimulationResult run) {
    return switch (this) {
      case LENGTH -> run.groups().byLength();
      case TENANT -> run.groups().byTenant();
    };
  }

  /** Returns the name of the JSON field. */
  String field() {
    return "by_" + this;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
