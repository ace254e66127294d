import FoundationEssentials
import Glibc
import SansIO
import ScenarioModel
import SecureTransport

/// What `serve` keeps from run to run, so that a PBX has to be set up once: an account, the authority of our certificates, and a
/// certificate for the PBX.
struct ServeState: Sendable {
  static let version = 1

  var account: ServeConfiguration.AccountGiven
  var authority: CertifiedKey
  var pbx: CertifiedKey

  /// A fresh one, by the system's randomness.
  init(epoch: Epoch) throws(TLSError) {
    var entropy = Entropy.system
    account = .init(username: "lab-\(entropy.hex(6))", password: entropy.hex(24))
    let authority = try LabAuthority(entropy: .system, epoch: epoch)
    self.authority = CertifiedKey(certificate: authority.certificate, privateKey: authority.privateKey)
    let leaf = try authority.issue(CertificateRequest(names: ["pbx.invalid"], addresses: []), entropy: .system)
    pbx = CertifiedKey(certificate: leaf.certificate, privateKey: leaf.privateKey)
  }

  var text: String {
    JSONValue.object([
      ("version", .integer(Self.version)),
      ("account", .object([("username", .string(account.username)), ("password", .string(account.password))])),
      ("authority", Self.json(authority)), ("pbx", Self.json(pbx)),
    ]).document + "\n"
  }

  private static func json(_ pair: CertifiedKey) -> JSONValue {
    .object([("certificate", .string(pair.certificate.text)), ("privateKey", .string(pair.privateKey.text))])
  }

  private struct Document: Decodable {
    struct Account: Decodable { var username, password: String }
    struct Pair: Decodable {
      var certificate, privateKey: String
      var value: CertifiedKey { CertifiedKey(certificate: PEM(certificate), privateKey: PEM(privateKey)) }
    }
    var version: Int
    var account: Account
    var authority, pbx: Pair
  }

  /// Reads ``text``; the error says what is wrong with it, and no value of it.
  init(parsing data: Data) throws(LiveFailure) {
    do {
      let document = try JSONDecoder().decode(Document.self, from: data)
      guard document.version == Self.version else {
        throw LiveFailure("its version is \(document.version), and this program reads version \(Self.version)")
      }
      account = .init(username: document.account.username, password: document.account.password)
      (authority, pbx) = (document.authority.value, document.pbx.value)
    } catch let error as LiveFailure {
      throw error
    } catch let DecodingError.keyNotFound(key, context) {
      throw LiveFailure("\((context.codingPath + [key]).map(\.stringValue).joined(separator: ".")) is missing")
    } catch let DecodingError.typeMismatch(_, context), let DecodingError.valueNotFound(_, context) {
      throw LiveFailure("\(context.codingPath.map(\.stringValue).joined(separator: ".")) is of the wrong type")
    } catch {
      throw LiveFailure("it is not JSON")
    }
  }
}

/// The file of a ``ServeState``: for its owner alone, written whole or not at all.
enum StateFile {
  static let remedy = "remove it to start afresh, then configure the PBX as --print shows"

  /// `$XDG_STATE_HOME/kallglot-lab/serve.json`, else below `~/.local/state` (XDG Base Directory Specification: relative paths do not
  /// count).
  static func standardPath(environment: [String: String]) throws(LiveFailure) -> String {
    func folder(_ name: String) -> String? { environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil } }
    guard let base = folder("XDG_STATE_HOME") ?? folder("HOME").map({ "\($0)/.local/state" }) else {
      throw LiveFailure("neither XDG_STATE_HOME nor HOME is set to find the state file; use --state FILE")
    }
    return "\(base)/kallglot-lab/serve.json"
  }

  /// Reads the file, or makes it. Two that start at once agree on one.
  static func open(_ path: String, epoch: Epoch) throws(LiveFailure) -> ServeState {
    if let state = try read(path) { return state }
    let fresh: ServeState
    do throws(TLSError) { fresh = try ServeState(epoch: epoch) } catch { throw LiveFailure("the authority could not be created: \(error)") }
    try make(fresh, path)
    guard let state = try read(path) else { throw LiveFailure("the state file \(path) was removed while it was written") }
    return state
  }

  /// nil where there is none.
  private static func read(_ path: String) throws(LiveFailure) -> ServeState? {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw LiveFailure("the state file \(path) cannot be read: \(reason())")
    }
    defer { close(descriptor) }
    var facts = stat()
    guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
      throw LiveFailure("the state file \(path) is not a regular file")
    }
    guard facts.st_mode & 0o077 == 0 else {
      let mode = String(facts.st_mode & 0o777, radix: 8)
      throw LiveFailure("the state file \(path) holds a password and has mode \(mode), so that others may read it; chmod 600 \(path)")
    }
    var data = Data()
    var buffer = [UInt8](repeating: 0, count: 16_384)
    // A state is some 2 KB.
    while data.count < 1 << 20 {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      guard count >= 0 else { throw LiveFailure("the state file \(path) cannot be read: \(reason())") }
      if count == 0 { break }
      data.append(contentsOf: buffer[..<count])
    }
    do { return try ServeState(parsing: data) } catch { throw LiveFailure("the state file \(path) is damaged: \(error); \(remedy)") }
  }

  private static func make(_ state: ServeState, _ path: String) throws(LiveFailure) {
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeFolders(String(path[..<slash])) }
    let draft = "\(path).\(getpid()).new"
    unlink(draft)
    guard write(state.text, to: draft) else {
      let why = reason()
      unlink(draft)
      throw LiveFailure("the state file \(path) cannot be written: \(why)")
    }
    defer { unlink(draft) }
    // A link does not replace what another serve put there meanwhile, as renaming would; not every file system has links.
    if link(draft, path) == 0 || errno == EEXIST || rename(draft, path) == 0 { return }
    throw LiveFailure("the state file \(path) cannot be written: \(reason())")
  }

  private static func write(_ text: String, to path: String) -> Bool {
    let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return fsync(descriptor) == 0
  }

  /// The missing folders, for their owner alone; those that exist stay as they are.
  private static func makeFolders(_ folder: String) throws(LiveFailure) {
    var path = folder.hasPrefix("/") ? "" : "."
    for part in folder.split(separator: "/") {
      path += "/\(part)"
      guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw LiveFailure("the folder \(folder) cannot be created: \(reason())") }
    }
  }

  private static func reason() -> String { String(cString: strerror(errno)) }
}
