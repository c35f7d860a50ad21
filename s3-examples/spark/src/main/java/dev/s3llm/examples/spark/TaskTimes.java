package dev.s3llm.examples.spark;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobEnd;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.jspecify.annotations.Nullable;

/** Measures the tasks of the last stage of Spark work. Thread-safe. */
final class TaskTimes extends SparkListener {
  private static final long LATE_EVENT_SECONDS = 10;

  private final String group = "s3-generate-" + UUID.randomUUID();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Set<Integer> open = new HashSet<>();
  private final Set<Integer> stages = new HashSet<>();
  private final List<Long> millis = new ArrayList<>();

  /** Runs work and measures its tasks, except for those that only write a shuffle. */
  void measure(SparkContext context, Runnable work) {
    context.setJobGroup(group, "generate", false);
    try {
      work.run();
    } finally {
      context.clearJobGroup();
    }
  }

  /** Returns the times of the tasks in milliseconds. Waits for Spark's events, which come late. */
  List<Long> millis() {
    lock.lock();
    try {
      long left = TimeUnit.SECONDS.toNanos(LATE_EVENT_SECONDS);
      while ((stages.isEmpty() || !open.isEmpty()) && left > 0) {
        left = changed.awaitNanos(left);
      }
      return List.copyOf(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return List.of();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void onJobStart(SparkListenerJobStart event) {
    @Nullable Properties properties = event.properties();
    if (properties == null || !group.equals(properties.getProperty("spark.jobGroup.id"))) {
      return;
    }
    lock.lock();
    try {
      open.add(event.jobId());
      event.stageInfos().foreach(stage -> stages.add(stage.stageId()));
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void onTaskEnd(SparkListenerTaskEnd event) {
    lock.lock();
    try {
      if (stages.contains(event.stageId())
          && event.taskType().equals("ResultTask")
          && event.taskInfo().successful()) {
        millis.add(event.taskInfo().duration());
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void onJobEnd(SparkListenerJobEnd event) {
    lock.lock();
    try {
      open.remove(event.jobId());
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
