package dev.s3llm.schedule;

import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;

/**
 * Fills a step: which running sequences compute how many tokens, and who is admitted. One scheduler
 * serves one engine, which calls it from one thread.
 */
public interface Scheduler {

  /**
   * Adds work and admissions to a plan that already holds growths and preemptions.
   *
   * @param memory running sequences and memory before this plan
   * @param waiting who waits; not to be changed
   * @param planner decides about memory
   * @param plan to fill; knows the budgets that are left
   */
  void schedule(MemoryView memory, TenantQueues waiting, MemoryPlanner planner, StepPlan plan);
}
