import KallglotPolicy
import SansIO

/// The accounts of the endpoint, by name and by username.
struct AccountTable {
  /// In the order they were given.
  let names: [String]
  private var accounts: [String: Account]
  /// The first account of a username; usernames do not change.
  private let namesByUsername: [String: String]

  init(_ given: [Account]) {
    names = given.map(\.name)
    accounts = Dictionary(given.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    namesByUsername = Dictionary(given.map { ($0.username, $0.name) }, uniquingKeysWith: { first, _ in first })
  }

  subscript(name: String) -> Account? { accounts[name] }

  func account(username: String) -> Account? { namesByUsername[username].flatMap { accounts[$0] } }

  /// The only account there is; nil where there are several or none.
  var only: Account? { names.count == 1 ? names.first.flatMap { accounts[$0] } : nil }

  mutating func setPolicy(_ policy: Policy, of name: String) { accounts[name]?.policy = policy }
  mutating func setPassword(_ password: Secret, of name: String) { accounts[name]?.password = password }
  mutating func setActive(_ isActive: Bool, of name: String) { accounts[name]?.isActive = isActive }
}
