import Foundation
import LiveNetwork
import SIPTransport
import SansIO
import ScenarioModel
import Testing

@testable import Serving

/// What `serve` keeps from run to run.
@Suite struct StateFileTests {
  private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("state-\(UUID().uuidString)").path

  private func identity(_ path: String?, _ environment: [String: String] = [:], account: ServeConfiguration.AccountGiven? = nil) throws
    -> ServeIdentity
  {
    var configuration = ServeConfiguration.standard
    configuration.account = account
    return try ServeIdentity.read(configuration, stateFile: path, environment: environment)
  }

  private func mode(_ path: String) throws -> Int {
    try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
  }

  @Test func `a restart finds the account and the authority of before, in a file and a folder for its owner alone`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/a/b/serve.json"
    let first = try identity(path)
    let second = try identity(path)
    #expect(first.account == second.account)
    #expect(first.authority?.certificate == second.authority?.certificate && first.authority?.privateKey == second.authority?.privateKey)
    #expect(first.pbx == second.pbx && first.pbx != nil)
    #expect(first.account.username.hasPrefix("lab-") && first.account.password.count == 24)
    #expect(try mode(path) == 0o600 && mode("\(folder)/a/b") == 0o700 && mode("\(folder)/a") == 0o700)
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/a/b") == ["serve.json"])
    #expect(try identity("\(folder)/other.json").account != first.account)
  }

  @Test func `an account that the configuration names wins, and without TLS no file is needed`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let named = ServeConfiguration.AccountGiven(username: "acme", password: "s3cret")
    #expect(try identity("\(folder)/serve.json", account: named).account == named)
    var configuration = ServeConfiguration.standard
    configuration.account = named
    configuration.listeners.removeAll { $0.transport == .tls }
    let identity = try ServeIdentity.read(configuration, stateFile: "/proc/nowhere/serve.json", environment: [:])
    #expect(identity.account == named && identity.authority == nil)
  }

  @Test func `the standard place is XDG_STATE_HOME, else below HOME (XDG Base Directory Specification)`() throws {
    #expect(try StateFile.standardPath(environment: ["XDG_STATE_HOME": "/x", "HOME": "/h"]) == "/x/kallglot-lab/serve.json")
    #expect(try StateFile.standardPath(environment: ["HOME": "/h"]) == "/h/.local/state/kallglot-lab/serve.json")
    #expect(try StateFile.standardPath(environment: ["XDG_STATE_HOME": "x", "HOME": "/h"]) == "/h/.local/state/kallglot-lab/serve.json")
    let failure = #expect(throws: LiveFailure.self) { try StateFile.standardPath(environment: ["HOME": ""]) }
    #expect(failure?.description.contains("--state FILE") == true)
  }

  @Test func `a file that others may read is not used, and the sentence holds the command that helps`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/serve.json"
    _ = try identity(path)
    for mode in [0o640, 0o604, 0o644] {
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
      let failure = #expect(throws: LiveFailure.self) { try identity(path) }
      #expect(failure?.description.hasSuffix("chmod 600 \(path)") == true && failure?.description.contains(String(mode, radix: 8)) == true)
    }
  }

  @Test func `a damaged file is named with what is wrong in it, and none of its secrets`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/serve.json"
    let account = try identity(path).account
    let whole = try String(contentsOfFile: path, encoding: .utf8)
    let damages: [(String, String)] = [
      ("", "it is not JSON"), (String(whole.dropLast(40)), "it is not JSON"), ("[]", "wrong type"),
      (whole.replacing("\"version\": 1", with: "\"version\": 2"), "reads version 1"),
      (whole.replacing("\"username\"", with: "\"user\""), "account.username is missing"),
      (whole.replacing("BEGIN PRIVATE KEY", with: "BEGIN PRIVAT KEY"), "private key"),
      (whole.replacing("\"\(account.password)\"", with: "7"), "account.password is of the wrong type"),
    ]
    for (text, part) in damages {
      try text.write(toFile: path, atomically: false, encoding: .utf8)
      let failure = #expect(throws: LiveFailure.self, "\(part)") { try identity(path) }
      let sentence = failure?.description ?? ""
      #expect(sentence.hasPrefix("the state file \(path) is damaged: ") && sentence.contains(part), "\(sentence)")
      #expect(!sentence.contains(account.password))
    }
  }

  @Test func `the key of another authority is refused`() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (first, second) = (try identity("\(folder)/1.json"), try identity("\(folder)/2.json"))
    func json(_ text: String) -> String { text.replacing("\n", with: "\\n") }
    let mixed = try String(contentsOfFile: "\(folder)/1.json", encoding: .utf8).replacing(
      json(try #require(first.authority).privateKey.text), with: json(try #require(second.authority).privateKey.text))
    try mixed.write(toFile: "\(folder)/1.json", atomically: false, encoding: .utf8)
    let failure = #expect(throws: LiveFailure.self) { try identity("\(folder)/1.json") }
    #expect(failure?.description.contains("does not belong to the certificate") == true)
  }

  @Test func `a place that cannot be written, or is no regular file, is said`() throws {
    for (path, part) in [("/proc/nowhere/serve.json", "/proc/nowhere cannot be created"), ("/dev/null", "not a regular file")] {
      let failure = #expect(throws: LiveFailure.self) { try identity(path) }
      #expect(failure?.description.contains(part) == true, "\(String(describing: failure))")
    }
  }
}
