import ArgumentParser
import Foundation
import Serving
import SansIO
import ScenarioEngine

/// `kallglot-lab certs`: certificates for a PBX under test.
struct CertsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certs", abstract: "Write certificates for a PBX under test, and say how to load them.",
    discussion: """
      Writes authority.pem, pbx.pem (the PBX's certificate, then the intermediate that signed it) and pbx-key.pem (mode 600). The \
      authority is that of serve's own certificate, kept in the state file, so that each side can check the other:
        kallglot-lab certs --out certs --host pbx.example.com --host 192.0.2.20
        openssl verify -CAfile certs/authority.pem -untrusted certs/pbx.pem certs/pbx.pem

      Files that are there are kept unless --replace is given.

      Exit codes: 0 they are written; 2 bad input, or a file that is there already.
      """)

  @Option(help: "The folder.")
  var out: String

  @Option(
    help: ArgumentHelp("A name or address by which the PBX is reached; once for each. This machine's name when missing.", valueName: "name")
  )
  var host: [String] = []

  @Option(help: "File of the authority; $XDG_STATE_HOME/kallglot-lab/serve.json, or below ~/.local/state.")
  var state: String?

  @Flag(help: "Replace files that are there.")
  var replace = false

  func run() throws {
    let kit: CertificateKit
    let hosts = host.isEmpty ? [ProcessInfo.processInfo.hostName] : host
    do throws(LiveFailure) {
      let identity = try ServeIdentity.read(.standard, stateFile: state, environment: ProcessInfo.processInfo.environment)
      guard let authority = identity.authority else { throw LiveFailure("there is no authority") }
      kit = try CertificateKit(authority, hosts: hosts)
    } catch { throw Complaint(error.description) }
    try Output.makeFolder(out)
    let there = kit.files.map { "\(out)/\($0.name)" }.filter { FileManager.default.fileExists(atPath: $0) }
    if let first = there.first, !replace {
      throw Complaint("\(first) is there already; --replace replaces it, or --out names another folder")
    }
    for file in kit.files { try Output.write(file.text.text, to: "\(out)/\(file.name)", isSecret: file.isSecret) }
    say("for \(kit.hosts.joined(separator: ", ")):")
    for file in kit.files {
      let path = "\(out)/\(file.name)"
      say("  \(there.contains(path) ? "replaced" : "written") \(path)\(file.isSecret ? " (mode 600)" : "")")
    }
    for line in kit.guide(folder: URL(filePath: out).standardizedFileURL.path(percentEncoded: false).trimmedSlash) { say(line) }
  }
}

extension String {
  fileprivate var trimmedSlash: String { count > 1 && hasSuffix("/") ? String(dropLast()) : self }
}

extension Output {
  /// Puts a file in its place whole; a secret one is never open to others, not even for a moment.
  fileprivate static func write(_ text: String, to path: String, isSecret: Bool) throws {
    guard isSecret else { return try write(text, to: path) }
    let draft = "\(path).\(getpid()).new"
    unlink(draft)
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Complaint("the file \(path) cannot be written: \(String(cString: strerror(errno)))") }
    var rest = Array(text.utf8)[...]
    var isWritten = true
    while isWritten, !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      isWritten = count > 0
      if isWritten { rest = rest.dropFirst(count) }
    }
    guard isWritten, fsync(descriptor) == 0, close(descriptor) == 0, rename(draft, path) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(draft)
      throw Complaint("the file \(path) cannot be written: \(reason)")
    }
  }
}
