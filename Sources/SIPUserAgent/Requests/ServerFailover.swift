import SIPMessage
import SIPTransaction
import SIPTransport
import SansIO

/// A server that did not take a request, and why.
public struct FailedServer: Hashable, Sendable {
  public var target: SIPTarget
  public var reason: String

  public init(_ target: SIPTarget, _ reason: String) { (self.target, self.reason) = (target, reason) }
}

extension FailedServer: CustomStringConvertible {
  public var description: String { "\(target): \(reason)" }
}

/// Which server of a domain has a request, and what became of those before it (RFC 3263 §4.3).
///
/// ```
///            begin
///              │
///              ▼   503, no response, transport failed / next
///          ┌─ trying ──────────────────────────────────────► trying (the next server)
///          │    │ the same, and none is left / exhausted
///          │    └──────────────────────────────────────────► exhausted
///          │ provisional above 100, final response
///          └───────────────────────────────────────────────► settled
/// ```
/// A challenge settles nothing: the request with credentials is the same one. Once a provisional above 100 came, somebody has the call, and
/// another server would ring a second time: what fails then has failed.
struct ServerFailover: Hashable, Sendable {
  enum State: Hashable, Sendable {
    case trying(SIPTarget, others: [SIPTarget])
    case settled
    case exhausted
  }

  enum Input: Hashable, Sendable {
    case response(status: Int)
    case failed(TransactionFailure)
  }

  enum Output: Hashable, Sendable {
    /// The request goes to this server, in a new transaction.
    case next(SIPTarget, after: FailedServer)
    /// The last server answered otherwise than that it cannot serve.
    case answered(SIPTarget)
    /// All of them failed.
    case exhausted([FailedServer])
  }

  private(set) var state: State
  private var failures: [FailedServer] = []

  /// - Parameter others: tried where the first fails, in their order.
  init(_ first: SIPTarget, others: [SIPTarget]) { state = .trying(first, others: others) }

  mutating func handle(_ input: Input) -> Output? {
    let next: State
    let output: Output?
    switch (state, input) {
    case (.trying(let server, let others), .response(503)):
      (next, output) = fail(server, "503 \(SIPStatus.phrase(503))", others)
    case (.trying(let server, let others), .failed(let failure)): (next, output) = fail(server, "\(failure)", others)
    case (.trying, .response(...100)), (.trying, .response(401)), (.trying, .response(407)):
      (next, output) = (state, nil)
    case (.trying(let server, others: _), .response): (next, output) = (.settled, .answered(server))
    case (.settled, .response), (.settled, .failed), (.exhausted, .response), (.exhausted, .failed): (next, output) = (state, nil)
    }
    state = next
    return output
  }

  private mutating func fail(_ server: SIPTarget, _ reason: String, _ others: [SIPTarget]) -> (State, Output) {
    let failed = FailedServer(server, reason)
    failures.append(failed)
    guard let next = others.first else { return (.exhausted, .exhausted(failures)) }
    return (.trying(next, others: Array(others.dropFirst())), .next(next, after: failed))
  }
}

extension SIPStack {
  /// Tells a request's failover what came, and remembers it of the server. The next server; nil where it stays as it is.
  func failOver(
    _ failover: inout ServerFailover?, _ input: ServerFailover.Input, retryAfter: Int? = nil, leg: LegID?, _ turn: inout Turn
  ) -> SIPTarget? {
    switch failover?.handle(input) {
    case .next(let target, let failed)?:
      servers.failed(failed.target, retryAfter: retryAfter, at: turn.now)
      turn.report(.failedOver(leg, after: failed, to: target))
      return target
    case .answered(let target)?: servers.answered(target)
    case .exhausted(let failures)?:
      if let last = failures.last { servers.failed(last.target, retryAfter: retryAfter, at: turn.now) }
      turn.report(.serversFailed(leg, failures))
    case nil: break
    }
    return nil
  }

  /// The servers of a request in the order in which they are tried, and what watches over them; nil where there is but one.
  func failover(_ first: SIPTarget, others: [SIPTarget], at now: Instant) -> (first: SIPTarget, ServerFailover?) {
    guard !others.isEmpty else { return (first, nil) }
    let ordered = servers.ordered([first] + others, at: now)
    return (ordered[0], ServerFailover(ordered[0], others: Array(ordered.dropFirst())))
  }
}

extension SIPMessage {
  /// Seconds of Retry-After (RFC 3261 §20.33); nil where it is missing or unreadable.
  var retryAfter: Int? { first(.retryAfter).flatMap { Int($0.text.prefix { $0.isASCII && $0.isNumber }) } }
}
