import SIPMessage
import SansIO
import WireReader

/// Which policy is in force, and which one was when a call began: that one holds for the call to its end (contract 8.1, check ACL-04).
///
/// All taps of a run share one. Confined to whoever reads them.
public final class PolicyLedger {
  /// An account as packets name it.
  public struct Account: Hashable, Sendable {
    public var name: String
    public var username: String
    /// The ids of its sessions.
    public var sessions: [String]

    public init(name: String, username: String, sessions: [String] = []) {
      (self.name, self.username, self.sessions) = (name, username, sessions)
    }
  }

  private struct Holder {
    var account: Account
    var arms: PolicyArms
  }

  /// Calls, registrations and lone requests that are told apart; beyond it the policy of now is asked.
  private static let mostCalls = 200_000

  public let anchors: String?
  private var holders: [Holder]
  /// For whom no account can be told.
  private var listener: PolicyArms
  private var begun: [String: PolicyArms] = [:]
  /// Each that was in force, in the order in which they came.
  public private(set) var history: [PolicyArms]
  /// Passwords, and what is as good, in a form that no dump shows.
  public private(set) var secrets: SecretList

  /// - Parameter anchors: in PEM, who vouches for clients over TLS, whatever the policy.
  public init(_ arms: PolicyArms, accounts: [Account] = [], secrets: SecretList = SecretList(), anchors: String? = nil) {
    (listener, self.anchors) = (arms, anchors)
    holders = accounts.map { Holder(account: $0, arms: arms) }
    history = [arms]
    self.secrets = secrets
  }

  /// From now on an account has another policy. What has begun keeps its own.
  public func set(_ arms: PolicyArms, of account: String) {
    for index in holders.indices where holders[index].account.name == account { holders[index].arms = arms }
    if !history.contains(arms) { history.append(arms) }
  }

  /// Another password may be seen from now on.
  public func add(_ more: SecretList) { secrets.add(more) }

  /// A request outside dialogs is judged by the policy of now.
  func begin(_ request: ObservedMessage) {
    guard begun[request.callID] != nil || begun.count < Self.mostCalls else { return }
    begun[request.callID] = current(request)
  }

  /// Nothing more comes of a call.
  func forget(_ callID: String) { begun[callID] = nil }

  /// What holds for a call; nil where it did not begin with the endpoint.
  func arms(of callID: String) -> PolicyArms? { begun[callID] }

  /// By whom a request outside dialogs is judged: the owner of the session, the user of its credentials or who is called, the only account,
  /// whoever listens (contract 8.1).
  private func current(_ request: ObservedMessage) -> PolicyArms {
    let user = (try? request.message.requestURI())?.unescapedUser
    if let user, let owner = holders.first(where: { $0.account.sessions.contains(user) }) { return owner.arms }
    let names = request.message.digestCredentials(.authorization).compactMap(\.username)
    if let owner = holders.first(where: { names.contains($0.account.username) || $0.account.username == user }) { return owner.arms }
    return holders.count == 1 ? holders[0].arms : listener
  }

  /// What holds for whatever belongs to no call: nothing where accounts differ.
  var unanimous: PolicyArms? {
    guard let first = holders.first?.arms else { return listener }
    return holders.allSatisfy { $0.arms == first } ? first : nil
  }
}
