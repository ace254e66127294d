import KallglotPolicy
import SansIO

/// Step 8: the account has fewer calls than its cap.
enum ConcurrencyRule: AdmissionRule {
  static func check(_ request: AdmissionRequest, _ context: AdmissionContext) -> PolicyDecision {
    let (policy, calls) = (context.policy, context.calls)
    guard calls >= policy.maxConcurrentCalls else {
      return PolicyDecision(
        .concurrency, setting: "maxConcurrentCalls", .passed, detail: "call \(calls + 1) of \(policy.maxConcurrentCalls)")
    }
    return PolicyDecision(
      .concurrency, setting: "maxConcurrentCalls", .refused(status: policy.capReachedStatus),
      detail: "\(calls) of \(CountText.of(policy.maxConcurrentCalls, "call")) \(calls == 1 ? "is" : "are") up")
  }
}
