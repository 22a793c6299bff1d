import FoundationEssentials
import Runtime

/// Why there is no access token. Its description says what to do.
struct CredentialError: Error, CustomStringConvertible {
    let description: String
    /// True when nobody answered, or not now.
    let mayPass: Bool

    init(_ description: String, mayPass: Bool = false) {
        self.description = description
        self.mayPass = mayPass
    }
}

/// Who the loader is to Google.
enum Credentials: Sendable {
    /// An emulator asks nobody.
    case none
    case serviceAccount(ServiceAccount)
    /// What `gcloud auth application-default login` leaves behind.
    case authorizedUser(clientID: String, clientSecret: String, refreshToken: String, tokenURI: String)
    /// A machine at Google has an account of its own.
    case metadataServer(host: String)

    static let defaultTokenURI = "https://oauth2.googleapis.com/token"
}

/// Credentials and the project that they belong to, if they say so.
struct FoundCredentials: Sendable {
    let credentials: Credentials
    let project: String?
}

extension FoundCredentials {
    private static let file = Setting.text(
        "GOOGLE_APPLICATION_CREDENTIALS",
        "Key file of a service account or an authorized user. Unset: gcloud's own, then the metadata server.")
    private static let metadataHost = Setting.text(
        "GCE_METADATA_HOST", default: "metadata.google.internal", "The metadata server.")

    static let descriptions = [file.description, metadataHost.description]

    /// In Google's order: the file that is named, the one that gcloud wrote, the metadata server.
    init(in environment: Environment) throws(ConfigurationError) {
        if let path = try Self.file.optional(in: environment) {
            try self.init(file: path)
            return
        }
        if let folder = environment["CLOUDSDK_CONFIG"] ?? environment["HOME"].map({ "\($0)/.config/gcloud" }) {
            let path = "\(folder)/application_default_credentials.json"
            if FileManager.default.fileExists(atPath: path) {
                try self.init(file: path)
                return
            }
        }
        self.init(credentials: .metadataServer(host: try Self.metadataHost.value(in: environment)), project: nil)
    }

    private struct KeyFile: Decodable {
        let type: String
        let project_id: String?
        let quota_project_id: String?
        let client_email: String?
        let private_key: String?
        let private_key_id: String?
        let token_uri: String?
        let client_id: String?
        let client_secret: String?
        let refresh_token: String?
    }

    private init(file path: String) throws(ConfigurationError) {
        let name = Self.file.description.name
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw ConfigurationError("\(name): cannot read the file '\(path)'")
        }
        guard let file = try? JSONDecoder().decode(KeyFile.self, from: data) else {
            throw ConfigurationError("\(name): '\(path)' is not a credentials file: JSON with a type is expected")
        }
        let tokenURI = file.token_uri ?? Credentials.defaultTokenURI
        switch file.type {
        case "service_account":
            guard let email = file.client_email, let keyID = file.private_key_id, let pem = file.private_key,
                let account = ServiceAccount(email: email, keyID: keyID, tokenURI: tokenURI, privateKeyPEM: pem)
            else {
                throw ConfigurationError(
                    "\(name): '\(path)' is not a service account key:"
                        + " client_email, private_key_id and an RSA private_key are expected")
            }
            self.init(credentials: .serviceAccount(account), project: file.project_id)
        case "authorized_user":
            guard let id = file.client_id, let secret = file.client_secret, let token = file.refresh_token else {
                throw ConfigurationError(
                    "\(name): '\(path)' is not complete: client_id, client_secret and refresh_token are expected")
            }
            self.init(
                credentials: .authorizedUser(
                    clientID: id, clientSecret: secret, refreshToken: token, tokenURI: tokenURI),
                project: file.project_id ?? file.quota_project_id)
        default:
            throw ConfigurationError(
                "\(name): '\(path)' has credentials of type '\(file.type)';"
                    + " service_account or authorized_user is expected")
        }
    }
}
